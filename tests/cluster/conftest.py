"""Three processes that most of these tests share."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import PeopledCluster, running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeopledCluster]:
    """Three processes behind nginx, for tests that harm none of them.

    They do not sweep meanwhile, so that what a device is told comes over the relay.
    """
    folder = tmp_path_factory.mktemp("cluster")
    with running(folder, NOTIFIER_SWEEP_SECONDS="3600") as cluster:
        yield cluster
