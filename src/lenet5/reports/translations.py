"""The words of reports in English and Chinese."""

from typing import Literal

Language = Literal["en", "zh"]

HOW_TO_READ = (
    "t: a paired t-test over the seeds that both have. McNemar: the models of the first such seed on the same images. "
    "Both give the probability by chance of at least this difference, corrected for the number of comparisons (Holm); "
    "below 0.05 a difference is usually called significant."
)
CHINESE = {
    "Outcome": "结果",
    "of the images of the part": "，评判所用的部分：",
    "Curves": "曲线",
    "Loss and accuracy by epoch": "各轮的损失与准确率",
    "Published numbers beside it": "与公布的数字并列",
    "epoch": "轮",
    "published, %": "公布值（%）",
    "here, %": "这里（%）",
    "Confusion": "混淆矩阵",
    "What was taken for what": "哪个数字被认成了哪个",
    "loss": "损失",
    "accuracy, %": "准确率（%）",
    "train, mean over the epoch": "训练，一轮的平均",
    "train, after the epoch": "训练，一轮之后",
    "test, after the epoch": "测试，一轮之后",
    "test, published": "测试，公布值",
    "truth": "真实类别",
    "answer": "预测类别",
    "recall %": "召回率 %",
    "precision %": "精确率 %",
    "misclassified": "认错",
    "the most confident first: truth → answer, confidence": "最自信的在前：真实 → 预测，置信度",
    "no image is misclassified": "没有认错的图像",
    "Kernels": "卷积核",
    "kernels": "卷积核",
    "input": "输入",
    "The kernels of the first convolution": "第一个卷积层的卷积核",
    "Feature maps": "特征图",
    "The first image scored, in every layer with maps": "第一幅图像在各层的特征图",
    "The command that trains these weights again": "重新训练出这些权重的命令",
    "The command that trains the first run again": "重新训练第一次运行的命令",
    "Misclassified": "分错的图像",
    "Misclassified images, the most confident first": "分错的图像，置信度高的在前",
    "History": "历史",
    "train loss": "训练损失",
    "train accuracy, %": "训练准确率（%）",
    "test loss": "测试损失",
    "test accuracy, %": "测试准确率（%）",
    "seconds": "秒",
    "What ran where": "环境",
    "Repeat it": "重复这次运行",
    "Incidents": "事件",
    "step": "步",
    "finished runs; scored after the last epoch on the": "次完成的运行；最后一轮之后评判，所用图像：",
    "test images": "测试集",
    "validation images": "验证集",
    "Published numbers": "公布的数字",
    "Shapes, parameters, connections: reproduced": "形状、参数、连接数：复现",
    "recipe": "配方",
    "what": "内容",
    "published": "公布值",
    "here: mean": "这里：平均",
    "one more run": "再跑一次（95 %）",
    "runs": "次数",
    "verdict": "结论",
    "why": "理由",
    "reproduced": "复现",
    "exceeded": "超过",
    "not reproduced": "未复现",
    "needs more runs": "需要更多次运行",
    "a single run decides nothing": "单次运行无法判定",
    "contradicted": "自相矛盾",
    "side by side": "并列",
    "not run": "未运行",
    "Choices": "各种选择",
    "choice": "选择",
    "seeds": "种子数",
    "error, %": "错误率（%）",
    "95 % interval": "95 % 区间",
    "each seed": "各个种子",
    "seconds a run": "每次运行的秒数",
    "Mean and range over the seeds": "各种子的平均值与范围",
    "Drawn are the first eight choices.": "只画出前八种选择。",
    "Comparisons with the first choice": "与第一种选择相比",
    "difference, %": "差（%）",
    "Summed over the seeds": "各种子合计",
    "image": "图像",
    "label": "标签",
    "models that misclassify it": "认错它的模型数",
    "Set aside": "搁置的运行",
    "run": "运行",
    "Every run's folder holds its recipe.toml, whole; this trains the first one again.": (
        "每个运行目录里都有完整的 recipe.toml；这条命令重新训练第一个。"
    ),
    HOW_TO_READ: (
        "t：对双方共有的种子做配对 t 检验。McNemar：第一个共有种子的两个模型在同一批图像上的检验。"
        "二者都给出偶然出现这么大差别的概率，并按比较的次数校正（Holm）；通常小于 0.05 才称为显著。"
    ),
}


def say(text: str, language: Language) -> str:
    """Return a word or phrase in a language, the words before a colon too; English where there is no other."""
    if language != "zh":
        return text
    head, colon, rest = text.partition(": ")
    return CHINESE.get(text) or (f"{CHINESE[head]}：{rest}" if colon and head in CHINESE else text)
