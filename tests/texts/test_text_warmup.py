"""After the warm-up nothing of the models of texts is compiled: a first text would stop a worker for seconds."""

from functools import partial
from types import ModuleType

from stream.compiling import KernelFunction
from stream.texts import confidence_kernel, draw_kernel, model_kernel, ngram_kernel
from stream.texts.classifier import TextClassifier
from stream.texts.mood import mood_classifier
from stream.texts.packing import pack, unpack
from stream.texts.text_warmup import warm_up_texts

KERNELS = (ngram_kernel, model_kernel, confidence_kernel, draw_kernel)
TEXTS = ("", "the parcel never came", "包裹没有到。太慢了", "¡Muy bien! 😀 " * 40, "x" * 5_000)


def compiled(kernels: tuple[ModuleType, ...]) -> dict[str, list[object]]:
    """The types for which each function that others call is compiled."""
    return {
        f"{kernel.__name__}.{name}": [*function.signatures]
        for kernel in kernels
        for name in kernel.__all__
        if isinstance(function := getattr(kernel, name), KernelFunction)
    }


def work(model: TextClassifier) -> TextClassifier:
    """Whatever a projection does with a model, over more labels than it has room for."""
    for number in range(6 * 25):
        model.learn_one(f"{TEXTS[number % len(TEXTS)]} {number % 6}", f"label {number % 6}")
    for text in TEXTS:
        model.decide(text)
        model.predict_one(text)
    model.predict_proba_many(TEXTS)
    return model.copy()


def test_nothing_is_compiled_once_texts_come() -> None:
    warm_up_texts()
    ready = compiled(KERNELS)
    assert [name for name, types in ready.items() if not types] == []
    for make in (partial(TextClassifier, sample=40), mood_classifier):
        model = work(make())
        work(unpack(pack(model), make, {one.number: one.text for one in model.replay.examples}))
    assert compiled(KERNELS) == ready
