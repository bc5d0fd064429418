"""Plans: balanced, the same again, and telling nothing."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from app.study.plan import numbering, plan
from app.study.protocol import Protocol

ARMS = st.lists(st.sampled_from(["unaided", "aided", "sequential"]), min_size=1, max_size=3, unique=True)


def protocol(arms: list[str], seed: int = 1, **more: object) -> Protocol:
    """One with two maps, where its arms show any."""
    maps = {} if arms == ["unaided"] else {"A": "patch", "B": "grad_cam"}
    values = {"title": "t", "findings": ["Effusion"], "arms": arms, "seed": seed, "maps": maps, **more}
    return Protocol.model_validate(values)


@settings(deadline=None, max_examples=60)
@given(ARMS, st.integers(1, 6), st.integers(1, 25), st.integers(0, 1000))
def test_every_reader_reads_every_case_once_in_each_arm_and_each_period(
    arms: list[str], readers: int, cases: int, seed: int
) -> None:
    names = [f"r{number}" for number in range(readers)]
    planned = plan(protocol(arms, seed), names, range(1, cases + 1))
    everything = {(reader, case) for reader in names for case in range(1, cases + 1)}
    for arm in arms:
        assert Counter((item.reader, item.case) for item in planned if item.arm == arm) == Counter(everything)
    for period in range(1, len(arms) + 1):
        within = [item for item in planned if item.period == period]
        assert Counter((item.reader, item.case) for item in within) == Counter(everything)
        for reader in names:
            positions = sorted(item.position for item in within if item.reader == reader)
            assert positions == list(range(1, cases + 1))


@settings(deadline=None, max_examples=60)
@given(ARMS, st.integers(1, 6), st.integers(1, 25), st.integers(0, 1000))
def test_arms_take_turns_over_cases_and_readers(arms: list[str], readers: int, cases: int, seed: int) -> None:
    names = [f"r{number}" for number in range(readers)]
    planned = plan(protocol(arms, seed), names, range(1, cases + 1))
    for period in range(1, len(arms) + 1):
        for reader in names:  # of a reader's cases each arm has an equal share, to one case
            shares = Counter(i.arm for i in planned if i.reader == reader and i.period == period)
            assert max(shares[arm] for arm in arms) - min(shares[arm] for arm in arms) <= 1
        for case in range(1, cases + 1):  # and of a case's readers, to one reader
            shares = Counter(i.arm for i in planned if i.case == case and i.period == period)
            assert max(shares[arm] for arm in arms) - min(shares[arm] for arm in arms) <= 1


def test_a_plan_is_the_same_again_and_another_with_another_seed() -> None:
    readers, cases = ["anna", "ben"], range(1, 21)
    first = plan(protocol(["unaided", "aided"], 1), readers, cases)
    assert plan(protocol(["unaided", "aided"], 1), readers, cases) == first
    assert plan(protocol(["unaided", "aided"], 2), readers, cases) != first
    orders = {
        reader: [
            item.case
            for item in sorted(first, key=lambda i: i.position)
            if (item.reader, item.period) == (reader, 1)
        ]
        for reader in readers
    }
    assert orders["anna"] != orders["ben"]


def test_names_of_maps_are_drawn_for_each_reader_and_case_and_stay_for_both_arms() -> None:
    planned = plan(protocol(["aided", "sequential"]), ["anna", "ben"], range(1, 101))
    by_case: dict[tuple[str, int], set[str]] = {}
    for item in planned:
        assert sorted(item.maps.values()) == ["grad_cam", "patch"]
        by_case.setdefault((item.reader, item.case), set()).add(item.maps["A"])
    assert all(len(methods) == 1 for methods in by_case.values())
    patch_first = sum(methods == {"patch"} for methods in by_case.values())
    assert 70 <= patch_first <= 130  # of 200; outside of it by chance about once in 50,000


def test_unaided_arms_have_no_maps() -> None:
    planned = plan(protocol(["unaided", "aided"]), ["anna"], range(1, 5))
    assert all(bool(item.maps) == (item.arm == "aided") for item in planned)


def test_numbers_do_not_follow_the_order_of_the_folder_unless_it_is_given() -> None:
    assert sorted(numbering(50, protocol(["sequential"]))) == list(range(1, 51))
    assert numbering(50, protocol(["sequential"])) != list(range(1, 51))
    given_order = protocol(["sequential"], order="given")
    assert numbering(50, given_order) == list(range(1, 51))
    assert [item.case for item in plan(given_order, ["anna"], range(1, 51))] == list(range(1, 51))
