"""What hosts are told: stable numbers, doubled underscores, only what changed."""

from __future__ import annotations

import jeepney

from galosh.tray import dbusmenu, item
from galosh.tray.dbusmenu import DbusMenu
from galosh.tray.item import Face
from galosh.tray.native import find_item, make_menu, read_menu
from galosh.tray.rows import Kind, Row, line

ROWS = (
    Row("state", "my_model", enabled=False),
    line("l1"),
    Row("model:a", "A", Kind.RADIO, ticked=True),
    Row("model:b", "B", Kind.RADIO),
    Row("more", "More", Kind.MENU, rows=(Row("x", "X"), Row("y", "Y", Kind.CHECK))),
)


def test_a_text_changes_one_row_and_not_the_layout() -> None:
    menu = DbusMenu()
    assert menu.take(ROWS) == ([], True)
    looks, moved = menu.take((Row("state", "7 %", enabled=False), *ROWS[1:]))
    assert ([row.key for row in looks], moved) == (["state"], False)
    assert menu.revision == 2


def test_numbers_stay_when_rows_come_and_go() -> None:
    menu = DbusMenu()
    menu.take(ROWS)
    numbers = {row.key: menu.number(row) for row in ROWS}
    looks, moved = menu.take((Row("new", "N"), *ROWS[2:]))
    assert (looks, moved) == ([], True)
    assert {row.key: menu.number(row) for row in ROWS} == numbers
    assert menu.row(numbers["state"]) is None


def test_the_layout_as_hosts_ask_for_it() -> None:
    menu = DbusMenu()
    menu.take(ROWS)
    root, values, children = menu.layout(0, -1, [])
    assert (root, values["children-display"][1], len(children)) == (0, "submenu", 5)
    first = children[0][1]
    assert first[1]["label"] == ("s", "my__model")
    assert first[1]["enabled"] == ("b", False)
    assert children[2][1][1]["toggle-type"] == ("s", "radio")
    assert len(children[4][1][2]) == 2
    assert menu.layout(0, 1, [])[2][4][1][2] == []  # only one level was asked for
    assert menu.layout(999, -1, []) is None
    only = menu.group([menu.number(ROWS[0])], ["label"])
    assert only == [(menu.number(ROWS[0]), {"label": ("s", "my__model")})]
    message = jeepney.new_signal(
        jeepney.DBusAddress("/x", interface="a.b"), "L", "u(ia{sv}av)", (1, menu.layout(0, -1, []))
    )
    assert message.serialise(serial=1)


def test_rows_survive_the_way_through_pystray() -> None:
    clicked: list[str] = []
    menu = make_menu(ROWS, clicked.append)
    assert read_menu(menu) == ROWS
    for key in ("model:b", "y"):
        find_item(menu, key)(None)
    assert clicked == ["model:b", "y"]
    assert find_item(menu, "nobody") is None


def test_every_property_can_be_sent() -> None:
    face = Face("galosh", "<b>", ((22, 22, b"\0" * 1936),), attention=True)
    for name, value in item.properties(face).items():
        message = jeepney.new_method_call(jeepney.DBusAddress("/x", "a.b"), name, "v", (value,))
        assert message.serialise(serial=1)
    assert item.properties(face)["ToolTip"][1][3] == "&lt;b&gt;"
    assert {name for name, *_ in item.signals(Face(), face)} == {
        "NewTitle", "NewIcon", "NewToolTip", "NewAttentionIcon", "NewStatus"
    }  # fmt: skip
    assert item.signals(face, face) == []


def test_signatures_of_menu_properties() -> None:
    for row in ROWS:
        for value in dbusmenu.values(row).values():
            message = jeepney.new_method_call(jeepney.DBusAddress("/x", "a.b"), "A", "v", (value,))
            assert message.serialise(serial=1)
