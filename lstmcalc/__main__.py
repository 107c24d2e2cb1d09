"""`python -m lstmcalc`, and the start of the `lstmcalc` command."""

import gc
import sys
import warnings


def main() -> int:
    """Run the command line; Ctrl-C is quiet even while the imports are under way, and no fault is a traceback."""
    # Start-up makes many objects and hardly any garbage; looking for it takes a twentieth of the time to an answer.
    gc.disable()
    if not sys.warnoptions:  # an odd number or escape in an input is told in our words, or is no matter
        warnings.simplefilter("ignore")
    try:
        from lstmcalc.cli import run_command_line

        return run_command_line(sys.argv[1:])
    except KeyboardInterrupt:
        return 130  # as typer has it later: 128 + SIGINT
    except Exception as error:  # noqa: BLE001  # the last place where a fault can be said in words
        from lstmcalc.cli import report_fault

        return report_fault(error, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
