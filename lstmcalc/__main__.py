"""`python -m lstmcalc`, and the start of the `lstmcalc` command."""

import gc
import os
import sys
import warnings


def main() -> int:
    """Run the command line; Ctrl-C is quiet even while the imports are under way, and no fault is a traceback."""
    # Start-up makes many objects and hardly any garbage; looking for it takes a twentieth of the time to an answer.
    gc.disable()
    if not sys.warnoptions:  # an odd number or escape in an input is told in our words, or is no matter
        warnings.simplefilter("ignore")
    try:
        if "_LSTMCALC_COMPLETE" in os.environ and _answers_bash():
            return 0
        from lstmcalc.cli import run_command_line

        return run_command_line(sys.argv[1:])
    except KeyboardInterrupt:
        return 130  # as typer has it later: 128 + SIGINT
    except Exception as error:  # noqa: BLE001  # the last place where a fault can be said in words
        from lstmcalc.cli import report_fault

        return report_fault(error, sys.argv[1:])


def _answers_bash() -> bool:
    """True if the names of LSTMs were asked for by bash, and are printed."""
    from lstmcalc.commands._completion import answer_for_bash
    from lstmcalc.readers.files.budget import one_command

    with one_command():
        answer = answer_for_bash()
    if answer is not None:
        print(answer)  # noqa: T201  # for the shell
    return answer is not None


if __name__ == "__main__":
    sys.exit(main())
