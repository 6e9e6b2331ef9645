import pytest

from vasari import errors

PUBLIC = {
    errors.InvalidInput: 65,
    errors.NotFound: 66,
    errors.InvalidOption: 64,
    errors.NotPermitted: 77,
    errors.NotSupported: 69,
    errors.CannotWrite: 73,
    errors.Failed: 70,
}


@pytest.mark.parametrize(("kind", "code"), PUBLIC.items())
def test_every_error_has_its_exit_code(kind: type[errors.VasariError], code: int) -> None:
    error = kind("What is wrong.", code="some_code", fix="What to do.")
    assert isinstance(error, errors.VasariError)
    assert str(error) == "What is wrong."
    assert error.to_dict() == {
        "code": "some_code",
        "message": "What is wrong.",
        "fix": "What to do.",
        "exit_code": code,
    }


def test_there_are_no_more_kinds_than_a_caller_can_know() -> None:
    found = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.VasariError)
    }
    assert found == {errors.VasariError, *PUBLIC} and len(found) <= 8
