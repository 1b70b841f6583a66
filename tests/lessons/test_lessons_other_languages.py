"""Questions in other languages: a lesson is given where it stands out of what is general in that language."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from studio.domain.checks import Check
from studio.domain.identity import utc_now
from studio.domain.log import Correction
from studio.errors import EmbedderError
from studio.lessons import general_questions
from studio.lessons.distil import distil, lesson_keys
from studio.lessons.embedder import NAME, MiniLmEmbedder
from studio.lessons.general_questions import VECTORS, embed_general_questions, likeness_to_general
from studio.lessons.other_languages import is_english, lowered_by, shared_letters
from studio.lessons.retrieve import LessonIndex

THRESHOLD = 0.42
# A fact of one's own, another wording, and a question of general knowledge that is none of the shipped ones.
ASKED = {
    "Spanish": (
        ("¿A qué hora cierra el taller de bicicletas?", "A las siete"),
        "¿Hasta qué hora puedo llevar la bicicleta al taller?",
        "¿Qué animal es el más rápido?",
    ),
    "Russian": (
        ("Где висит ключ от лодочного сарая?", "За печкой"),
        "Мне нужен ключ от лодочного сарая, где он?",
        "Какое животное самое быстрое?",
    ),
    "Arabic": (
        ("من يسقي نباتات المكتب؟", "هدى"),
        "من المسؤول عن سقي نباتات المكتب؟",
        "ما هو أسرع حيوان؟",
    ),
    "Hindi": (
        ("नाव घर की चाबी कहाँ टँगी है?", "चूल्हे के पीछे"),
        "मुझे नाव घर की चाबी चाहिए, वह कहाँ है?",
        "सबसे तेज़ जानवर कौन सा है?",
    ),
    "Korean": (
        ("보트 창고 열쇠는 어디에 걸려 있나요?", "난로 뒤"),
        "보트 창고 열쇠는 어디에 있나요?",
        "가장 빠른 동물은 무엇인가요?",
    ),
    "Korean, in other words": (
        ("보트 창고 열쇠는 어디에 걸려 있나요?", "난로 뒤"),
        "보트 창고 열쇠를 어디에서 찾나요?",
        "가장 빠른 동물은 무엇인가요?",
    ),
    "Japanese": (
        ("ボート小屋の鍵はどこに掛けてありますか？", "ストーブの後ろ"),
        "ボート小屋の鍵はどこで見つかりますか？",
        "一番速い動物は何ですか？",
    ),
}


# Found with the vectors studio-4, with studio-5 just not: what telling near-by questions apart has cost.
LOST = pytest.mark.xfail(reason="scores a little less than the threshold", strict=True)


@pytest.mark.parametrize(
    "language", [pytest.param(one, marks=LOST) if one == "Korean, in other words" else one for one in ASKED]
)
async def test_a_lesson_answers_its_own_question_and_not_a_general_one(language: str, tmp_path: Path) -> None:
    (question, answer), reworded, general = ASKED[language]
    now = utc_now()
    lesson = distil(Correction(question, question, answer, "", now, Check()), lesson_id="own", at=now)
    embedder = MiniLmEmbedder(tmp_path)
    try:
        keys = lesson_keys(lesson)
        rows = [(lesson.id, key, vector) for key, vector in zip(keys, await embedder.embed(keys), strict=True)]
        index = LessonIndex.build([lesson], rows)
        asked = [question, reworded, general]
        vectors = await embedder.embed(asked)
    finally:
        await embedder.close()
    given = [
        bool(index.fitting(text, vector, k=1, threshold=THRESHOLD, rules=2))
        for text, vector in zip(asked, vectors, strict=True)
    ]
    assert given == [True, True, False]


@pytest.mark.parametrize(
    "question",
    [
        "What's the alarm code?",
        "and on Sundays?",
        "Is there a key?",
        "Where’s the van?",
        "tell me more",
        "WHO IS ON CALL",
    ],
)
def test_questions_with_an_english_word_are_english(question: str) -> None:
    assert is_english(question)


@pytest.mark.parametrize(
    "question",
    [
        "Wat is de code?",
        "Wie heißt die Katze?",
        "Người Brazil nói tiếng gì?",
        "¿Dónde está la llave?",
        "鍵はどこ？",
        "63 - 18 = ?",
    ],
)
def test_questions_without_one_are_not(question: str) -> None:
    assert not is_english(question)


def test_an_english_question_without_an_english_word_loses_nothing() -> None:
    assert lowered_by([0.0] * 384) == 0.0


def test_vectors_of_another_width_are_like_nothing() -> None:
    assert likeness_to_general([0.1, 0.2]) == -1.0
    assert lowered_by([]) == 0.0


@pytest.mark.parametrize("content", [None, b"", b"no vectors"])
def test_vectors_that_cannot_be_read_are_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "vectors.safetensors"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(general_questions, "VECTORS", file)
    general_questions._vectors.cache_clear()
    try:
        with pytest.raises(EmbedderError, match="cannot be read") as told:
            likeness_to_general([0.0] * 384)
    finally:
        general_questions._vectors.cache_clear()
    assert "Install" in told.value.hint


def test_letters_are_shared_by_the_shorter_text() -> None:
    assert shared_letters("La llave", "¿Dónde está la llave?") == 1.0
    assert shared_letters("ключ", "鍵") == 0.0
    assert shared_letters("", "¿Qué?") == 0.0
    assert shared_letters("倉庫の鍵", "倉庫の鍵はどこ") > 0.7


def test_the_general_questions_were_embedded_by_the_embedder_that_ships() -> None:
    """`python -m studio.lessons.general_questions` writes them anew."""
    with safe_open(VECTORS, framework="numpy") as file:
        assert file.metadata() == {"embedder": NAME}
        held = file.get_tensor("vectors")
    np.testing.assert_allclose(held, embed_general_questions(), atol=1e-3)
