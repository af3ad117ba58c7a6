"""The small API of a node that joins: it has no account, only the secret of its token."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import build, canonical, clock, joining
from appliance.errors import Refused, Text
from controller.access.invitations import CA, NotYet
from controller.actions.nodes_join import JoinNode, TokenUnknown, admitted, usable
from controller.actions.principal import Principal
from controller.actions.standing import principal_of
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.jobs import JobOut
from controller.api.schemas.nodes import AuthorityOut, HelloIn, HelloOut, JoinIn, ProgressIn
from controller.jobs.queue import submit
from controller.records import jobs, nodes
from controller.records.cluster import NodeToken
from controller.records.session import reading, transaction
from controller.records.tables import Account, Job

SSH_KEY = "nodes.pub"


class OtherBuild(Refused):
    """Two nodes of one box must run the same HBox."""

    code = "join.other_build"
    text = Text(
        "新节点的医盒版本（{theirs}）与控制节点（{ours}）不同",
        "The new node runs another HBox ({theirs}) than the controller ({ours})",
    )
    hint = Text(
        "请用与控制节点相同的镜像重新安装新节点。",
        "Install the new node from the same image as the controller.",
    )


@route(
    Form(
        "GET",
        "/api/v1/join/authority",
        Text("取得控制节点的 CA 证书", "Get the box's CA certificate"),
        None,
        answer=AuthorityOut,
    )
)
def authority(call: Call) -> Answer:
    """Answer with the CA; it is no secret, and the token says which one is right."""
    return Answer(AuthorityOut(certificate=_tls(call, CA)))


@route(
    Form(
        "POST",
        "/api/v1/join/hello",
        Text("新节点问询", "A new node asks before it joins"),
        None,
        answer=HelloOut,
        body=HelloIn,
    )
)
def hello(call: Call) -> Answer:
    """Check all that can be checked, and say who will come to configure the node."""
    asked = call.json(HelloIn)
    _same_build(asked.build)

    def ask(session: Session) -> tuple[str, str]:
        token = usable(_token(session, asked.secret))
        admitted(session, token, asked.name, asked.address)
        here = nodes.home(session)
        return here.name, here.address

    name, address = call.read(ask)
    told = HelloOut(
        site=call.settings.site_name,
        now=clock.iso(),
        name=name,
        addresses=[address],
        ssh_key=_tls(call, SSH_KEY).strip(),
    )
    return Answer(told)


@route(
    Form(
        "POST",
        "/api/v1/join",
        Text("新节点加入", "A new node joins"),
        None,
        answer=JobOut,
        body=JoinIn,
        status=202,
    )
)
def join(call: Call) -> Answer:
    """Submit the job in the name of who made the token; the same node asking again gets the same job."""
    asked = call.json(JoinIn)
    _same_build(asked.build)
    with transaction(call.engine) as session:
        token = _token(session, asked.secret)
        if token is None:
            raise TokenUnknown
        action = JoinNode(
            token.id,
            asked.name,
            asked.address,
            asked.host_key,
            canonical.canonical(asked.requests).decode(),
        )
        job = _earlier(session, token, action)
        if job is None:
            job = submit(session, _maker(session, token, call), action)
        shown = JobOut.of(job, jobs.steps(session, job.id))
    return Answer(shown, 202)


@route(
    Form(
        "POST",
        "/api/v1/join/progress",
        Text("新节点查看加入进度", "A new node follows its joining"),
        None,
        answer=JobOut,
        body=ProgressIn,
    )
)
def progress(call: Call) -> Answer:
    """Answer with the job that the token started."""
    asked = call.json(ProgressIn)
    with reading(call.engine) as session:
        token = _token(session, asked.secret)
        job = session.get(Job, token.job_id) if token is not None and token.job_id else None
        if job is None:
            raise TokenUnknown
        return Answer(JobOut.of(job, jobs.steps(session, job.id)))


def _token(session: Session, secret: str) -> NodeToken | None:
    return nodes.token(session, joining.secret_hash(secret))


def _earlier(session: Session, token: NodeToken, action: JoinNode) -> Job | None:
    """Return the job of the very same application: its answer may have been lost on the way."""
    job = session.get(Job, token.job_id) if token.job_id else None
    return job if job is not None and job.action == action.as_json() else None


def _maker(session: Session, token: NodeToken, call: Call) -> Principal:
    account = session.scalar(select(Account).where(Account.name == token.made_by))
    if account is None or account.disabled:
        raise TokenUnknown
    return principal_of(session, account, f"join {call.source}")


def _same_build(theirs: str) -> None:
    ours = build.digest()
    if theirs != ours:
        raise OtherBuild(theirs=theirs[:12] or "?", ours=ours[:12] or "?")


def _tls(call: Call, name: str) -> str:
    try:
        return (call.settings.state / "tls" / name).read_text("ascii")
    except OSError as error:
        raise NotYet(what="", why=name) from error
