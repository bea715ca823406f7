"""/openapi.json is held against the server: whatever fits or does not fit it, there is no server's error."""

import warnings

from hypothesis import HealthCheck, Phase, given, settings
from serving import Running

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis

PATHS = {
    "/v1/predict", "/v1/explain", "/v1/read", "/v1/models", "/v1/models/{name}", "/v1/limits", "/livez", "/readyz",
    "/metrics",
}  # fmt: skip


def test_no_request_leads_to_a_servers_error(server: Running) -> None:
    schema = schemathesis.openapi.from_dict(server.ask("/openapi.json").json)
    schema.config.update(base_url=server.url)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {operation.path for operation in operations} == PATHS
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @settings(max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                case.call_and_validate(timeout=60)

            check()
