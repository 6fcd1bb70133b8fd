"""A client's bytes as frames, whatever they are; test_websocket.py has the rules one by one."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.websocket.frames import BadFrame, Frame, Frames
from tests.support.frames import BINARY, CLOSE, PING, PONG, TEXT, frame

LARGEST = 300

frames = st.builds(
    frame,
    st.sampled_from([0, TEXT, BINARY, PING, PONG, CLOSE, 3]),
    st.binary(max_size=130) | st.text(max_size=40).map(str.encode),
    first=st.sampled_from([0x80, 0x80, 0x80, 0, 0xC0]),
)


def read(*chunks: bytes) -> list[Frame | str]:
    """All frames in ``chunks``, and how it ends if it does."""
    found: list[Frame | str] = []
    parser = Frames(LARGEST)
    try:
        for chunk in chunks:
            parser.feed(chunk)
            while (each := parser.next()) is not None:
                found.append(each)
    except BadFrame as bad:
        found.append(f"{bad.code} {bad.reason}")
    return found


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes(chunks: list[bytes]) -> None:
    """Whatever comes is read, or fails the connection with a code; nothing else happens."""
    for each in read(*chunks):
        if isinstance(each, str):
            assert each[:4] in ("1002", "1007", "1009")
        else:
            assert len(each[1]) <= LARGEST


@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 1000), max_size=6))
def test_wherever_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    """The same frames come out, however the network has cut the bytes."""
    data = b"".join(sent)
    places = sorted({min(cut, len(data)) for cut in cuts})
    ends = [*places, len(data)]
    assert read(*(data[a:b] for a, b in zip([0, *places], ends, strict=True))) == read(data)
    assert read(*(bytes((byte,)) for byte in data)) == read(data)
