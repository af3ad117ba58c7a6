"""Messages as hospitals send them, written for these tests; no person in them exists."""

ADT = "\r".join(
    (
        r"MSH|^~\&|HIS|第一人民医院|HBOX|F|20261122080000+0800||ADT^A04^ADT_A01|M1|P|2.5.1|||AL|NE|CHN|GB 18030-2000",
        "EVN|A04|20261122080000|||OP1^王医生",
        "PID|1||P00012345^^^H^MR~11010519491231002X^^^MOH^NI||张^三^^^先生||19491231|M||汉|某路1号&2单元^^北京^北京^100020^CN^H||13800138000^PRN^PH||zh|M|||",
        "NK1|1|张^小明|SON^儿子",
        r"PV1|1|O|门诊^1^2^H||||D001^李^医生|||内科|||||||||V1234|||||||||||||||||||||||||20261122080000",
        r"AL1|1|DA|PCN^青霉素^99ZH|SV|皮疹\.br\呼吸困难 \T\ 头晕",
        "DG1|1|I10|I10.x00^高血压病^ICD10|原发性高血压|20261122|W",
        "ZHZ|1|自定义^段~重复",
    )
)
SIU = "\r".join(
    (
        r"MSH|^~\&|APP|H|HIS|H|20261130090000||SIU^S12^SIU_S12|S1|P|2.4||||||UNICODE UTF-8",
        "SCH|A1^APP|B1^HIS|||||ROUTINE^常规||30|min|^^30^202611300900^202611300930",
        "PID|1||P7^^^H^MR||李^四||19800102|F",
        "RGS|1|A",
        "AIS|1|A|99213^复诊^L|202611300900|0|min|30|min",
        "AIP|1|A|D2^王^医生|||202611300900",
    )
)
ORU = "\r".join(
    (
        r"MSH|^~\&|LIS|H|HIS|H|20261122101500||ORU^R01|R1|P|2.3.1",
        "PID|1||P9^^^H^MR||WANG^WU||1970|M",
        "OBR|1||L77|24331-1^LIPID PANEL^LN|||20261122090000",
        "OBX|1|NM|2093-3^Cholesterol^LN||5.20|mmol/L|<5.18|H|||F",
        "OBX|2|NM|2571-8^Triglyceride^LN||1.00|mmol/L|<1.70|N|||F",
        r"OBX|3|TX|8251-1^Comment^LN||p < 0.05 & CRP <5 mg/L, see\E\note||||||F",
        'NTE|1|L|""',
    )
)
ALL = {"adt": ADT, "siu": SIU, "oru": ORU}
CODECS = {"adt": "gb18030", "siu": "utf-8", "oru": "ascii"}


def raw(name: str) -> bytes:
    """Return a sample as bytes with its last segment ended."""
    return (ALL[name] + "\r").encode(CODECS[name])
