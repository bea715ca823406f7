"""The words of reports in English and Chinese."""

from typing import Literal

Language = Literal["en", "zh"]

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
    "Misread": "认错的图像",
    "Misread images, the most confident first": "认错的图像，最自信的在前",
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
}


def say(text: str, language: Language) -> str:
    """Return a word or phrase in a language; English where there is no other."""
    return CHINESE.get(text, text) if language == "zh" else text
