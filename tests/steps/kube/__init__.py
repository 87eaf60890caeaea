"""The steps inside the cluster, walked by the engine against the rehearsal's Kubernetes."""

import pytest

# What its checks found is shown as in a test.
pytest.register_assert_rewrite("tests.steps.kube.places")
