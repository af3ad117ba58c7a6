"""How runs are made and compared: objects beside the box, options, the schedule, the difference of two runs."""

import json

from sqlalchemy.orm import Session

from appliance.errors import Text
from compliance.rulesets import EVERY
from controller.actions.assessing import RemoveObject, SetChoice, SetObject, SetSchedule
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items, TextOut
from controller.api.schemas.compliance import (
    AssessedIn,
    AssessedOut,
    ChoiceIn,
    ChoiceOut,
    DifferencesOut,
    ScheduleBody,
    ScheduleOut,
)
from controller.api.schemas.jobs import JobOut
from controller.records import answers, compared


@route(
    Form(
        "GET",
        "/api/v1/compliance/objects",
        Text("列出外部测评对象", "List the objects beside the box"),
        READERS,
        answer=Items[AssessedOut],
    )
)
def list_objects(call: Call) -> Answer:
    """Answer with the foreign objects, by kind and name."""
    found = call.read(answers.foreign)
    items = [
        AssessedOut(
            ref=one.subject.ref,
            kind=str(one.kind),
            name=one.name,
            what=one.what,
            maker=one.maker,
            place=one.place,
            applies_to=list(one.applies_to),
        )
        for one in found
    ]
    return Answer(Items[AssessedOut](items=items))


@route(
    Form(
        "POST",
        "/api/v1/compliance/objects",
        Text("登记外部测评对象", "Enter an object beside the box"),
        SetObject.roles,
        answer=JobOut,
        body=AssessedIn,
        status=202,
    )
)
def set_object(call: Call) -> Answer:
    """Submit the object."""
    asked = call.json(AssessedIn)
    own = (asked.kind, asked.name, asked.what, asked.maker, asked.place)
    return call.submit(SetObject(*own, json.dumps(asked.applies_to)))


@route(
    Form(
        "DELETE",
        "/api/v1/compliance/objects/<assessed>",
        Text("移除外部测评对象", "Remove an object beside the box"),
        RemoveObject.roles,
        answer=JobOut,
        status=202,
    )
)
def remove_object(call: Call, assessed: str) -> Answer:
    """Submit the removal; refused while papers on it hold."""
    return call.submit(RemoveObject(assessed))


@route(
    Form(
        "GET",
        "/api/v1/compliance/options",
        Text("列出规则集选项", "List the rule sets' options"),
        READERS,
        answer=Items[ChoiceOut],
    )
)
def list_options(call: Call) -> Answer:
    """Answer with every open point of the rule sets and the choice taken."""
    return Answer(Items[ChoiceOut](items=call.read(_options)))


@route(
    Form(
        "POST",
        "/api/v1/compliance/options",
        Text("设置规则集选项", "Choose an option of a rule set"),
        SetChoice.roles,
        answer=JobOut,
        body=ChoiceIn,
        status=202,
    )
)
def set_option(call: Call) -> Answer:
    """Submit the choice; the next run is judged by it."""
    asked = call.json(ChoiceIn)
    return call.submit(SetChoice(asked.key, asked.value))


@route(
    Form(
        "GET",
        "/api/v1/compliance/schedule",
        Text("查看定期检查", "Show the schedule of runs"),
        READERS,
        answer=ScheduleOut,
    )
)
def show_schedule(call: Call) -> Answer:
    """Answer with the schedule."""
    return Answer(ScheduleOut.model_validate(call.read(answers.schedule)))


@route(
    Form(
        "POST",
        "/api/v1/compliance/schedule",
        Text("设置定期检查", "Set the schedule of runs"),
        SetSchedule.roles,
        answer=JobOut,
        body=ScheduleBody,
        status=202,
    )
)
def set_schedule(call: Call) -> Answer:
    """Submit the schedule."""
    asked = call.json(ScheduleBody)
    return call.submit(SetSchedule(asked.days, asked.hour))


@route(
    Form(
        "GET",
        "/api/v1/compliance/runs/<run>/differences/<after>",
        Text("比较两次检查", "Compare two runs"),
        READERS,
        answer=DifferencesOut,
    )
)
def show_differences(call: Call, run: str, after: str) -> Answer:
    """Answer with what moved, why, and what no change record explains; the earlier run goes first."""
    found = call.read(lambda session: compared.differences(session, run, after))
    return Answer(DifferencesOut.of(found.as_dict()))


def _options(session: Session) -> list[ChoiceOut]:
    held = answers.choices(session)
    made = []
    for ruleset in EVERY:
        for option in ruleset.options:
            key = f"{ruleset.name}.{option.key}"
            row = held.get(key)
            made.append(
                ChoiceOut(
                    key=key,
                    title=TextOut.of(option.title),
                    taken=row.value if row else option.default,
                    choices={name: TextOut.of(text) for name, text in option.choices.items()},
                    why=TextOut.of(option.why),
                    source=option.source,
                    set_by=row.set_by if row else "",
                    set_at=row.set_at if row else "",
                )
            )
    return made
