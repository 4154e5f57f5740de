"""The task list of the sandbox: pages smaller than asked for, in whatever order."""

from __future__ import annotations

import pytest

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import Client


@pytest.mark.parametrize("order", ["newest", "oldest", "mixed"])
def test_the_list_can_have_smaller_pages_and_another_order(client: Client, box: Sandbox, order: str) -> None:
    """The vendor names neither, so a client must do with any."""
    ids = [client.task_id(str(number)) for number in range(5)]
    box.settings.change({"list_page_size": 2, "list_order": order})
    pages = [client.get("/tasks", page_no=page, page_size=100).json() for page in (1, 2, 3)]
    assert [(page["total"], page["total_page"], len(page["data"])) for page in pages] == [
        (5, 3, 2),
        (5, 3, 2),
        (5, 3, 1),
    ]
    listed = [row["task_id"] for page in pages for row in page["data"]]
    assert listed == {"newest": ids[::-1], "oldest": ids, "mixed": sorted(ids)}[order]


def test_an_order_that_it_does_not_know_is_refused(box: Sandbox) -> None:
    with pytest.raises(ValueError, match="list_order"):
        box.settings.change({"list_order": "largest"})
