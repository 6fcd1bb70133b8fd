"""Three processes that most of these tests share."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster, running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three processes behind nginx, for tests that harm none of them.

    None ever compares positions with the store, so that only the relay tells of what is new.
    """
    with running(tmp_path_factory.mktemp("cluster"), NOTIFIER_SWEEP_SECONDS="3600") as cluster:
        yield cluster
