"""Files by folder: the name's form, the medium by its first bytes, and the size decide; a scan follows."""

from dataclasses import dataclass, replace

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from network.gateway import dlp, media
from network.gateway.channel import Channel
from network.gateway.frames import Frame
from network.gateway.protocols.base import Crossing, Outcome, Reply, Wire
from network.gateway.refusals import BodyRefused, FileRefused, GatewayRefusal, body
from network.gateway.spool import Taken

JSON = "application/json"


@with_config(ConfigDict(extra="ignore"))
@dataclass(frozen=True)
class Offer:
    """What a leg says of a file it has."""

    name: str
    channel: str
    size: int


_OFFER = TypeAdapter(Offer)


@dataclass(frozen=True)
class FilesPlan:
    """A channel of files."""

    channel: Channel

    def match(self, ask: Frame) -> bool:
        """See `Plan.match`."""
        parts = ask.target.split("/")
        return ask.method == "FILE" and len(parts) > 1 and parts[1] == self.channel.id

    def ask(self, ask: Frame) -> Crossing:
        """See `Plan.ask`; what the file holds is looked at by `taken`, when the guard has it."""
        try:
            offer = _OFFER.validate_json(ask.body)
        except ValidationError as error:
            raise FileRefused(why="the offer is not understood") from error
        if not media.lawful_name(offer.name):
            raise FileRefused(why="its name has a form that may not cross")
        hits = dlp.find(offer.name)
        return Crossing(
            orjson.dumps({"name": offer.name}),
            "FILE",
            kind="FILE",
            found=dlp.summary(hits) if hits else "",
        )

    def taken(self, asked: Crossing, file: Taken) -> Crossing:
        """Return what of a file may cross, now that it was copied; raises `FileRefused`."""
        name = offered = str(orjson.loads(asked.body)["name"])
        medium = media.told(file.head, name)
        if medium not in self.channel.media:
            raise FileRefused(why=f"{medium or 'unknown'} is not a medium of the channel")
        masked = 0
        if asked.found and self.channel.leak == "mask":
            name, masked = f"{file.name[:8]}.{name.rpartition('.')[2]}", 1
        told = {
            "name": name, "channel": self.channel.id, "size": file.size,
            "digest": file.digest.hex(), "medium": medium, "file": file.name,
        }  # fmt: skip
        return replace(
            asked,
            body=orjson.dumps(told),
            target=f"/{file.name}",
            content_type=JSON,
            kind=f"FILE {medium}",
            # By its own name, which is only marked: a masked one is another each time it is offered.
            key=f"{offered} {file.digest.hex()}",
            masked=masked,
        )

    def call(self, stored: bytes) -> Crossing:
        """See `Plan.call`."""
        told = orjson.loads(stored)
        return Crossing(stored, "FILE", f"/{told['file']}", JSON, kind=f"FILE {told['medium']}")

    def again(self, stored: bytes) -> bytes:
        """See `Plan.again`."""
        told = orjson.loads(stored)
        if told["medium"] not in self.channel.media or told["size"] > self.channel.body_limit:
            raise BodyRefused(path=told["medium"], why="the channel takes it no more")
        return stored

    def answer(self, asked: Crossing, result: Frame) -> Crossing:  # noqa: ARG002 - the protocol's form
        """See `Plan.answer`; there is no request lane of files."""
        raise FileRefused(why="files have no answer")

    def accepted(self, ask: Frame, delivery: str) -> Reply:  # noqa: ARG002 - the protocol's form
        """See `Plan.accepted`."""
        return Reply(202, JSON, orjson.dumps({"delivery": delivery, "state": "accepted"}))

    def outcome(self, sent: bytes, result: Frame) -> Outcome:  # noqa: ARG002 - the protocol's form
        """See `Plan.outcome`."""
        if result.code or not 200 <= result.status < 300:
            return Outcome("again", result.code or f"status {result.status}")
        return Outcome("delivered")


class Files:
    """See `Content`."""

    wire: Wire = "files"

    def plan(self, channel: Channel) -> FilesPlan:
        """See `Content.plan`."""
        laws = {
            "files are stored and delivered": channel.lane == "store",
            "its media": bool(channel.media) and set(channel.media) <= set(media.ENDINGS),
            "files have no path, port or fields": not (
                channel.path or channel.port or channel.method or channel.request
            ),
        }
        broken = [law for law, kept in laws.items() if not kept]
        if broken:
            raise ValueError(f"channel {channel.id}: {', '.join(broken)}")
        return FilesPlan(channel)

    def refused(self, ask: Frame, refusal: GatewayRefusal) -> Reply:  # noqa: ARG002
        """See `Content.refused`."""
        return Reply(refusal.status, JSON, orjson.dumps(body(refusal)))
