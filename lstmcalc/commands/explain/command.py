"""explain: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels, with_words, words_flag
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome
from lstmcalc.commands.explain.topics import TOPICS
from lstmcalc.intake.flags import Flag, items_of, read_choice

WORDS: Final = words_flag("TOPIC|SOURCE...", f"Topics ({', '.join(TOPICS)}), and a source", TOPICS)

TOPIC: Final = Flag(
    "topic", ("--topic",), (), "NAME,...", f"Of {', '.join(TOPICS)} (default all)", TOPICS, repeats=True
)


def _run(typed: TypedFlags) -> Outcome:
    """Every equation with its shapes, what each state is, how packing works, what goes around.

    In PyTorch's terms, for the LSTM at hand. Whatever it says of PyTorch's tensors, `lstmcalc run` proves.
    """
    from lstmcalc.commands.explain.report import explain_report  # which a completion does not need
    from lstmcalc.intake.resolve import read_subjects

    typed, named = with_words(
        typed, lambda word: NAMED.get(word.lower(), ""), "topic", lambda: (*NAMED,), f"one of {', '.join(TOPICS)}"
    )
    asked = [NAMED.get(topic.lower(), topic) for topic in items_of(typed["topic"])]
    told = list(dict.fromkeys(read_choice("--topic", topic, TOPICS) for topic in (*named, *asked)))
    return outcome(explain_report(read_subjects(typed, "pytorch"), told), typed)


# Words that mean a topic, its own name among them.
NAMED: Final = {
    **{topic: topic for topic in TOPICS},
    **dict.fromkeys(("h_n", "c_n", "h_0", "c_0", "output", "state", "hidden"), "states"),
    **dict.fromkeys(("gates", "gate", "cell", "forget", "equation", "step"), "equations"),
    **dict.fromkeys(("batch_first", "layout"), "batch-first"),
    **dict.fromkeys(("packed", "lengths", "padding"), "packing"),
    **dict.fromkeys(("stream", "stateful", "chunk", "chunks"), "streaming"),
    **dict.fromkeys(("initialisation", "initialization"), "init"),
    **dict.fromkeys(("head", "embedding", "linear"), "around"),
}

COMMAND: Final = Command(
    _run,
    """
    lstmcalc explain --hidden 20 --layers 2 --bi
    lstmcalc explain h_n
    lstmcalc explain packing --lengths 5,3,2
    lstmcalc explain "nn.LSTM(28, 100, batch_first=True)" --topic states,around --head 10
    lstmcalc explain --format markdown > lstm.md
    """,
    panels({"Output": (TOPIC,)}, source=(WORDS,)),
)
