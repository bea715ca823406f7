"""The levels of the house: who may import whom. See docs/design.md."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import lenet5

PACKAGE = Path(lenet5.__file__).parent
LEVELS = {
    "errors": 0, "distribution": 0, "machine": 0, "display": 0,
    "budget": 1, "files": 1, "seeds": 1, "compiled": 1,
    "spec": 2,
    "metrics": 3, "recipes": 3, "data": 3, "engines": 3,
    "models": 4,
    "training": 5, "inference": 5,
    "methods": 6, "exchange": 6, "reading": 6, "doctor": 6, "jobs": 6,
    "studies": 7, "bulk": 7, "lattice_training": 7,
    "reports": 8,
    "progress": 9,
    "api": 10, "classifier": 10,
    "plots": 11,
    "web": 12,
    "cli": 13,
    "__init__": 14, "__main__": 14,
}  # fmt: skip

# Of the rooms of reading/, who may import whom; the files beside them may import every room.
READING = {"page": 0, "constraints": 0, "opening": 1, "cleaning": 2, "segmentation": 3, "recognition": 4}


def module_of(path: Path) -> str:
    return ".".join(("lenet5", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def imports_of(path: Path, modules: set[str]) -> set[str]:
    """Return the modules of the package that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {
                full if (full := f"{node.module}.{alias.name}") in modules else node.module for alias in node.names
            }
    return {name for name in found if name.split(".")[0] == "lenet5"}


FILES = {module_of(path): path for path in PACKAGE.rglob("*.py")}
IMPORTS = {module: imports_of(path, set(FILES)) for module, path in FILES.items()}


def test_every_room_has_a_level() -> None:
    assert {room_of(module) for module in FILES} == set(LEVELS)


def test_imports_go_down_only() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        for other in others
        if room_of(other) != room_of(module) and LEVELS[room_of(other)] >= LEVELS[room_of(module)]
    ]
    assert not wrong


def test_each_room_of_reading_imports_only_those_before_it() -> None:
    last = len(READING)
    rooms = {module: module.split(".")[2] for module in FILES if module.startswith("lenet5.reading.")}
    wrong = [
        f"{module} imports {other}"
        for module, room in rooms.items()
        for other in IMPORTS[module] & rooms.keys()
        if room in READING and rooms[other] != room and READING.get(rooms[other], last) >= READING[room]
    ]
    assert not wrong


def test_there_is_no_cycle() -> None:
    left = {module: set(others) - {module} for module, others in IMPORTS.items()}
    while free := [module for module, others in left.items() if not others & left.keys()]:
        for module in free:
            del left[module]
    assert not left, f"these import each other: {sorted(left)}"


def test_engines_know_no_recipe_and_not_each_other() -> None:
    for module, others in IMPORTS.items():
        parts = module.split(".")
        if parts[1:2] != ["engines"]:
            continue
        assert not {other for other in others if other.startswith(("lenet5.spec.recipe", "lenet5.data"))}, module
        if len(parts) > 3:
            foreign = {o for o in others if o.count(".") > 2 and o.split(".")[1] == "engines"}
            assert all(other.split(".")[2] == parts[2] for other in foreign), module


def imported_libraries(path: Path) -> set[str]:
    """Return the top names of the libraries that a file imports, the standard library left out."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names - set(sys.stdlib_module_names) - {"lenet5"}


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(each for name in extras if name != "dev" for each in extras[name])]
    declared = {re.split(r"[^A-Za-z0-9_.-]", each)[0].lower().replace("_", "-") for each in wanted}
    providers = packages_distributions()
    missing = {
        f"{module} imports {name}"
        for module, path in FILES.items()
        for name in imported_libraries(path)
        if not declared & {each.lower().replace("_", "-") for each in providers.get(name, [name])}
    }
    assert not missing


def test_only_the_pages_of_a_pdf_need_an_extra_to_be_read() -> None:
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[^A-Za-z0-9_.-]", each)[0].lower() for each in project["dependencies"]}
    providers = packages_distributions()
    beyond = {
        (module.removeprefix("lenet5."), name)
        for module, path in FILES.items()
        if room_of(module) in ("reading", "models", "inference")
        for name in imported_libraries(path)
        if not declared & {each.lower().replace("_", "-") for each in providers.get(name, [name])}
    }
    assert beyond == {("reading.opening.pdf", "pypdfium2")}


def test_import_of_lenet5_is_quick_and_brings_no_heavy_library() -> None:
    program = "import lenet5, sys; print([n for n in ('torch', 'sklearn', 'matplotlib', 'numpy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
