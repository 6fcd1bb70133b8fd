"""Every fault of a request in one answer, field by field, in the caller's words.

The decoder stops at the first fault and speaks of types. This is for the requests that it
has refused: slower, and thorough. What a field expects is said by ``expected`` in the
``extra`` of its :class:`msgspec.Meta`, or else by its type.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec
from msgspec import inspect

from notifier.errors import InvalidField, InvalidFields, InvalidRequest

REQUIRED: Final = "This field is required."
NOT_NULL: Final = "This field may not be null."

_MOST_UNKNOWN: Final = 10
"""Unknown fields that are named: an answer stays short, whatever the request."""
_LONGEST_NAME: Final = 50
"""Characters of an unknown field's name that are repeated."""

_KINDS: Final[Mapping[bytes, str]] = {
    b"[": "an array",
    b'"': "a string",
    b"n": "null",
    b"t": "a boolean",
    b"f": "a boolean",
}

_read_fields: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(
    dict[str, msgspec.Raw]
)


class Choice(NamedTuple):
    """Optional fields of which a request has exactly one."""

    fields: tuple[str, ...] = ()
    refused: Mapping[str, str] = {}
    """Fields that are not taken in place of these, with the reason for each."""

    def problems(self, given: Mapping[str, msgspec.Raw]) -> dict[str, str]:
        """What is wrong with the choice of those who gave these."""
        refused = {name: reason for name, reason in self.refused.items() if name in given}
        if refused or not self.fields:
            return refused
        chosen = [name for name in self.fields if name in given]
        *others, last = self.fields
        names = f"{', '.join(others)} and {last}" if others else last
        if not chosen:
            needed = f"One of {names} is required." if len(self.fields) > 1 else REQUIRED
            return {self.fields[0]: needed}
        return {} if len(chosen) == 1 else {chosen[-1]: f"Only one of {names} can be given."}


class Faults:
    """What can be wrong with a request of one form: a Struct, or a union of tagged ones."""

    def __init__(self, form: Any, choice: Choice) -> None:
        known = inspect.type_info(form)
        structs = known.types if isinstance(known, inspect.UnionType) else (known,)
        self._forms = [
            _Form.of(each, choice) for each in structs if isinstance(each, inspect.StructType)
        ]

    def explain(self, body: bytes) -> InvalidRequest:
        """Why ``body`` is not of this form.

        Raises :class:`msgspec.DecodeError` where something behind its first fault is no JSON.
        """
        try:
            given = _read_fields.decode(body)
        except msgspec.ValidationError:
            kind = _KINDS.get(body.lstrip()[:1], "a number")
            return InvalidRequest(f"Expected an object, got {kind}.")
        if len(self._forms) == 1:
            return self._forms[0].explain(given)
        return self._chosen(given)

    def _chosen(self, given: Mapping[str, msgspec.Raw]) -> InvalidRequest:
        tag_field = self._forms[0].tag_field
        if tag_field not in given:
            return InvalidField(tag_field, REQUIRED)
        for form in self._forms:
            if bytes(given[tag_field]) == form.tag:
                return form.explain(given)
        tags = " or ".join(form.tag.decode() for form in self._forms)
        return InvalidField(tag_field, f"Expected {tags}.")


class _Field(NamedTuple):
    """One field of a form."""

    required: bool
    nullable: bool
    expected: str
    decoder: msgspec.json.Decoder[Any]

    def problem(self, value: msgspec.Raw | None) -> str | None:
        """What is wrong with ``value``, None where it is missing."""
        if value is None:
            return REQUIRED if self.required else None
        if bytes(value) == b"null" and not self.nullable:
            return NOT_NULL
        try:
            self.decoder.decode(value)
        except msgspec.ValidationError:
            return f"Expected {self.expected}."
        return None


class _Form(NamedTuple):
    """One Struct."""

    tag_field: str
    tag: bytes
    """As JSON."""
    fields: Mapping[str, _Field]
    choice: Choice
    others_allowed: bool

    @classmethod
    def of(cls, struct: inspect.StructType, choice: Choice) -> "_Form":
        """The form that ``struct`` describes."""
        types = get_type_hints(struct.cls, include_extras=True)
        fields = {
            field.encode_name: _Field(
                field.required,
                inspect.NoneType() in _alternatives(field.type),
                _expected(field.type),
                msgspec.json.Decoder(types[field.name]),
            )
            for field in struct.fields
        }
        tag = msgspec.json.encode(struct.tag)
        return cls(struct.tag_field or "", tag, fields, choice, not struct.forbid_unknown_fields)

    def explain(self, given: Mapping[str, msgspec.Raw]) -> InvalidRequest:
        """What is wrong with the fields that were ``given``."""
        problems = {
            name: problem
            for name, field in self.fields.items()
            if (problem := field.problem(given.get(name)))
        } | self.choice.problems(given)
        if not self.others_allowed:
            problems |= self._unknown(given)
        if problems:
            return InvalidFields(problems)
        # Each field by itself is right, so what was wrong is another one of the same name.
        return InvalidRequest("A field is given twice.")

    def _unknown(self, given: Mapping[str, msgspec.Raw]) -> dict[str, str]:
        missing = [
            name for name in self.fields if name not in given and name not in self.choice.refused
        ]
        unknown = [name for name in given if name not in self.fields]
        problems = {}
        for name in unknown[:_MOST_UNKNOWN]:
            short = name[:_LONGEST_NAME]
            meant = get_close_matches(short.lower(), missing, 1)
            problems[short] = (
                f"Unknown field; did you mean {meant[0]}?" if meant else "Unknown field."
            )
        return problems


def _alternatives(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _expected(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return str(kind.extra["expected"]) if kind.extra else _expected(kind.type)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_expected(each) for each in kind.types if each != inspect.NoneType())
    return _TYPES[type(kind)]


_TYPES: Final[Mapping[type[inspect.Type], str]] = {
    inspect.BoolType: "true or false",
    inspect.RawType: "any JSON value",
    inspect.StrType: "a string",
}
