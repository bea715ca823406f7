// @ts-check
/** Every word of the page, in English and Chinese. */

/** @type {Record<string, [string, string]>} */
const WORDS = {
  title: ["LeNet-5 — draw a digit, watch it think", "LeNet-5 — 写一个数字，看它怎样思考"],
  tagline: ["Draw a digit. Watch the network of 1998 think.", "写一个数字，看 1998 年的网络怎样思考。"],
  local: ["Everything is computed in this page; nothing you draw leaves it.", "一切都在本页计算；你写的内容不会离开这里。"],
  skip: ["Skip to the network", "跳到网络"],
  draw: ["Draw", "书写"],
  sheet: ["Sheet to draw on. Arrow keys move the pen, space puts it down or lifts it, delete clears.",
    "书写区。方向键移动笔，空格落笔或提笔，Delete 清空。"],
  hint: ["Mouse, pen or finger — or arrow keys and space.", "用鼠标、笔或手指，也可用方向键和空格。"],
  clear: ["Clear", "清空"],
  undo: ["Undo", "撤销"],
  eraser: ["Eraser", "橡皮"],
  width: ["Pen width", "笔宽"],
  samples: ["Or try one", "试试示例"],
  sample: ["Sample {0}", "示例 {0}"],
  centring: ["Centre and size the ink as MNIST does", "按 MNIST 的方式居中并缩放"],
  disturb: ["Disturb it", "加干扰"],
  rotate: ["Rotate", "旋转"],
  scale: ["Size", "大小"],
  right: ["Shift right", "右移"],
  down: ["Shift down", "下移"],
  thicken: ["Thicken", "加粗"],
  noise: ["Noise", "噪声"],
  reset: ["Reset", "复原"],
  photo: ["Read a photograph", "识别照片"],
  drop: ["Drop or paste a photograph anywhere, or choose one", "把照片拖到或粘贴到页面任意处，或选择文件"],
  reading: ["Reading…", "正在识别……"],
  noServer: ["No server stands behind this page, so it read the photograph itself, as one digit. Run “lenet5 serve” to read whole lines.",
    "本页背后没有服务器，因此由页面自己把照片当作一个数字来读。运行 “lenet5 serve” 可读整行数字。"],
  noPicture: ["This file is not a picture that the browser can open.", "浏览器无法打开此图片文件。"],
  noInk: ["No ink was found in this picture.", "图片中没有找到笔迹。"],
  refused: ["The server could not read it: {0}", "服务器无法读取：{0}"],
  found: ["Numbers found: {0}", "找到 {0} 个数"],
  photoAlt: ["The photograph, with a box around each number and digit", "照片，每个数与数字都加了框"],
  unsure: ["unsure", "不确定"],
  digitIn: ["{0}: {1}", "{0}：{1}"],
  network: ["Network", "网络"],
  second: ["Second network", "第二个网络"],
  compare: ["Compare two networks", "比较两个网络"],
  single: ["Show one network", "只看一个网络"],
  error: ["{0} % wrong on the {1} test images of {2}", "{2}：{1} 张测试图中错 {0} %"],
  harder: ["{0}, a harder set than MNIST", "{0}（比 MNIST 更难）"],
  beingTrained: ["its error was measured only at the end of training", "错误率只在训练结束时测量"],
  training: ["Training", "训练过程"],
  step: ["after {0} images", "训练 {0} 张图之后"],
  finished: ["finished", "训练完成"],
  guess: ["Guess", "猜测"],
  nothing: ["Draw something", "请写一个数字"],
  says: ["{0} says {1}, {2}", "{0} 认为是 {1}，{2}"],
  probabilities: ["Probability of each answer", "各答案的概率"],
  input: ["Input", "输入"],
  inputNote: ["what the network gets: box of the ink and its centre of mass", "网络所见：笔迹的外框与重心"],
  map: ["{0}, map {1} of {2}", "{0}，第 {1} 图，共 {2} 图"],
  units: ["{0}, {1} units", "{0}，{1} 个单元"],
  maps: ["{0} maps of {1}×{2}", "{0} 个 {1}×{2} 的图"],
  count: ["{0} units", "{0} 个单元"],
  layers: ["Layers. Arrow keys go from map to map; with shift, from unit to unit.", "各层。方向键切换图；按住 Shift 切换单元。"],
  legend: ["negative — zero — positive", "负 — 零 — 正"],
  convolution: ["convolution 5×5", "卷积 5×5"],
  subsample: ["subsampling: sum × coefficient + bias", "下采样：和 × 系数 + 偏置"],
  average_pool: ["mean of 2×2", "2×2 均值"],
  max_pool: ["largest of 2×2", "2×2 最大值"],
  dense: ["full connection", "全连接"],
  rbf: ["distance to the codes", "到编码的距离"],
  table: ["Table I: the maps of S2 that each map of C3 sees", "表 I：C3 各图所见的 S2 图"],
  codes: ["F6 beside the ten codes, with the penalty of each: the smallest wins", "F6 与十个编码及各自的惩罚值：最小者胜"],
  code: ["Code of {0}", "{0} 的编码"],
  sum: ["The sum that made it", "这个数从何而来"],
  choose: ["Point at a unit, or go to a map with the keyboard, to see where its number comes from; click to pin it.",
    "指向一个单元，或用键盘移到某个图，查看它的数从何而来；点击可固定。"],
  place: ["{0}, row {1}, column {2}", "{0}，第 {1} 行，第 {2} 列"],
  unit: ["{0}, unit {1}", "{0}，第 {1} 单元"],
  answer: ["{0}, digit {1}", "{0}，数字 {1}"],
  otherAnswer: ["{0}, “{1}”", "{0}，“{1}”"],
  answerNumber: ["Digit", "数字"],
  output: ["output", "输出"],
  "not a digit": ["not a digit", "非数字"],
  relu: ["ReLU", "ReLU"],
  tanh: ["tanh", "tanh"],
  sigmoid: ["sigmoid", "S 形函数"],
  scaled_tanh: ["scaled tanh", "缩放 tanh"],
  squares: ["minus the sum of {0} squared differences from the code", "负的与编码之差的 {0} 个平方之和"],
  squaresTimes: ["−{1} × the sum of {0} squared differences from the code", "−{1} × 与编码之差的 {0} 个平方之和"],
  codeColumn: ["Code", "编码"],
  pinned: ["Pinned: other units no longer take its place. Escape lets go.", "已固定：指向别处不再改变。按 Esc 取消。"],
  unpin: ["Unpin", "取消固定"],
  pinHint: ["Click to pin it.", "点击可固定。"],
  row: ["Row", "行"],
  column: ["Column", "列"],
  unitNumber: ["Unit", "单元"],
  from: ["from {0} {1}", "来自 {0} {1}"],
  fieldIs: ["It sees {0}×{1} pixels of the input.", "它看到输入中的 {0}×{1} 个像素。"],
  largestOf: ["the largest", "最大值"],
  every: ["Every number", "每一个数"],
  source: ["Map", "图"],
  inputColumn: ["Input", "输入"],
  weightColumn: ["Weight", "权重"],
  termColumn: ["Adds", "贡献"],
  bias: ["bias", "偏置"],
  total: ["sum", "和"],
  copy: ["Copy as picture", "复制为图片"],
  copied: ["Copied", "已复制"],
  saved: ["Saved as a file", "已存为文件"],
  loading: ["Loading the network…", "正在载入网络……"],
  failed: ["The network could not be loaded: {0}", "无法载入网络：{0}"],
  about: ["Part of lenet5: the network of LeCun, Bottou, Bengio and Haffner (1998), reproduced.",
    "lenet5 的一部分：复现 LeCun、Bottou、Bengio 与 Haffner（1998）的网络。"],
};

let language = 0;

/** @param {string} key @param {...(string | number)} values  put where {0}, {1} … stand */
export const say = (key, ...values) =>
  (WORDS[key]?.[language] ?? key).replace(/\{(\d)\}/g, (_, i) => String(values[Number(i)]));

/** Choose the language, and put its words wherever the page names one.
 *  @param {"en" | "zh"} code */
export function speak(code) {
  language = code === "zh" ? 1 : 0;
  document.documentElement.lang = code === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-words]"))) {
    element.textContent = say(element.dataset.words ?? "");
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-label]"))) {
    element.setAttribute("aria-label", say(element.dataset.label ?? ""));
  }
}

/** The name of a layer or of an answer: as it is, or in words where there are some for it. @param {string} name */
export const word = (name) => (WORDS[name] ? say(name) : name);

export const keys = Object.keys(WORDS);
