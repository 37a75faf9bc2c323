"""The closed vocabularies: what can be said of an utterance, a span of time or an experience."""

from enum import StrEnum


class Role(StrEnum):
    """Who speaks."""

    STAFF = "staff"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


class RevisedBy(StrEnum):
    """Who said anew who spoke."""

    DEVICE = "device"
    STAFF = "staff"


class ConsentState(StrEnum):
    """What the customer answered when asked to be recorded."""

    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class CoverageState(StrEnum):
    """What became of a stretch of time."""

    HEARD = "heard"
    SILENT = "silent"
    WITHHELD = "withheld"
    LOST = "lost"


class Sentiment(StrEnum):
    """Feeling of an utterance toward the business."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Intent(StrEnum):
    """What a customer wants with an utterance (17 codes)."""

    CONSULT_PRODUCT = "consult_product"
    CONSULT_PROCESS = "consult_process"
    CONSULT_PRICE = "consult_price"
    PROGRESS = "progress"
    PRICE_OBJECTION = "price_objection"
    COMPLAIN = "complain"
    CANCEL = "cancel"
    COMPENSATION = "compensation"
    REQUEST_SERVICE = "request_service"
    PRAISE = "praise"
    COMPARE = "compare"
    PURCHASE = "purchase"
    HESITATE = "hesitate"
    PROVIDE_INFO = "provide_info"
    CHITCHAT = "chitchat"
    APPOINTMENT = "appointment"
    ESCALATE = "escalate"


class StaffAct(StrEnum):
    """What staff do with an utterance."""

    GREET = "greet"
    RECOMMEND = "recommend"
    EXPLAIN = "explain"
    PROMISE = "promise"
    APOLOGISE = "apologise"
    IDENTITY_CHECK = "identity_check"
    RISK_DISCLOSURE = "risk_disclosure"


class Aspect(StrEnum):
    """What an opinion is about."""

    WAIT = "wait"
    ATTITUDE = "attitude"
    EXPERTISE = "expertise"
    PRICE = "price"
    ENVIRONMENT = "environment"
    PRODUCT = "product"
    PROCESS = "process"
    AFTERSALES = "aftersales"
    TRANSPARENCY = "transparency"


class EventKind(StrEnum):
    """Kinds of experience event."""

    INQUIRY = "inquiry"
    PURCHASE_INTENT = "purchase_intent"
    PRICE_OBJECTION = "price_objection"
    COMPARISON = "comparison"
    HESITATION = "hesitation"
    SERVICE_REQUEST = "service_request"
    COMPENSATION_CLAIM = "compensation_claim"
    COMPLAINT = "complaint"
    PRAISE = "praise"
    SUGGESTION = "suggestion"
    CHURN_SIGNAL = "churn_signal"
    ESCALATION = "escalation"
    PROMISE = "promise"


class PiiKind(StrEnum):
    """Kinds of personal data that are masked."""

    MOBILE = "mobile"
    PHONE = "phone"
    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    PLATE = "plate"
    PASSPORT = "passport"
    EMAIL = "email"
    POLICY_NO = "policy_no"
    ORDER_NO = "order_no"
    NAME = "name"
    ADDRESS = "address"
    NUMBER = "number"


PII_LABELS: dict[PiiKind, str] = {
    PiiKind.MOBILE: "手机号",
    PiiKind.PHONE: "电话",
    PiiKind.ID_CARD: "身份证号",
    PiiKind.BANK_CARD: "银行卡号",
    PiiKind.PLATE: "车牌号",
    PiiKind.PASSPORT: "护照号",
    PiiKind.EMAIL: "邮箱",
    PiiKind.POLICY_NO: "保单号",
    PiiKind.ORDER_NO: "订单号",
    PiiKind.NAME: "姓名",
    PiiKind.ADDRESS: "地址",
    PiiKind.NUMBER: "号码",
}
"""The words that stand in the masks: 〔手机号〕 and so on."""
