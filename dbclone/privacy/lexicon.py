"""Public words to put in the place of real ones."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

_SHORTEST = 3


def public_words(rng: np.random.Generator, avoid: Collection[str], size: int = 1200) -> tuple[str, ...]:
    """Lower-case English words and family names, shortest first; none of ``avoid`` (in lower case).

    They are a random selection of a public list, so that the absence of a word says little about ``avoid``.
    """
    from faker.providers.lorem.en_US import Provider as English
    from faker.providers.person.en_US import Provider as Persons

    words = {*English.word_list, *map(str.lower, Persons.last_names)}
    usable = sorted(w for w in words if len(w) >= _SHORTEST and w.isascii() and w.isalpha() and w not in avoid)
    picked = rng.permutation(len(usable))[: min(size, len(usable) * 3 // 4)]
    return tuple(sorted((usable[i] for i in picked), key=lambda w: (len(w), w)))


def invented_words(rng: np.random.Generator, alphabet: str, avoid: Collection[str], size: int = 600) -> tuple[str, ...]:
    """Words of random letters, for scripts that the public list does not write."""
    letters = np.array(list(alphabet))
    lengths = rng.integers(_SHORTEST, 12, size)
    words = {"".join(rng.choice(letters, length)) for length in lengths}
    return tuple(sorted(words - set(avoid), key=lambda w: (len(w), w)))
