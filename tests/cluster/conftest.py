"""Three processes that most of these tests share."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster, running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three processes behind nginx, for tests that harm none of them."""
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
