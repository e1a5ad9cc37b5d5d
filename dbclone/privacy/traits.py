"""What a table's other columns tell of the persons in its rows: gender and country, by which they are named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dbclone.privacy import pools
from dbclone.privacy.pii import normalised

UNKNOWN, FEMALE, MALE = 0, 1, 2
_MOST_LABELS = 300
_GENDER = re.compile(
    r"(?:^|_)(?:gender|sex|sexe|sexo|sesso|geschlecht|geslacht|genero|genre|kon|kjonn|plec|title|salutation|courtesy|"
    r"title_of_courtesy|anrede|civilite|titre|tratamiento|aanhef|sal)(?:_|$)"
)  # fmt: skip
_FEMALE = re.compile(
    r"f|w|v|k|fem\w*|female|woman|weiblich|frau|femme|mujer|donna|femmina|vrouw|kobieta|kvinna|kvinne|mrs|ms|miss|mme|sra|"
    r"signora"
)
_MALE = re.compile(
    r"m|h|male|man|masc\w*|maschio|maennlich|mannlich|herr|homme|hombre|uomo|homem|mezczyzna|mr|monsieur|sr|signor|dhr"
)
_COUNTRY = re.compile(
    r"(?:^|_)(?:country|land|pays|pais|paese|kraj|nation\w*|country_code|countrycode|codpais)(?:_(?:code|name|iso))?$"
)
_COUNTRIES = {
    "en_US": "us usa united_states united_states_of_america uk gb united_kingdom england canada ca australia au "
    "ireland ie new_zealand nz",
    "de_DE": "de deu germany deutschland austria at aut osterreich oesterreich schweiz switzerland ch",
    "fr_FR": "fr fra france frankreich belgique",
    "es_ES": "es esp spain espana mexico mx mex argentina ar arg colombia co chile cl peru pe venezuela ve",
    "it_IT": "it ita italy italia",
    "pt_BR": "br bra brazil brasil pt prt portugal",
    "nl_NL": "nl nld netherlands nederland the_netherlands belgium be belgie",
    "pl_PL": "pl pol poland polska",
    "sv_SE": "se swe sweden sverige",
    "ru_RU": "ru rus russia russian_federation",
    "ja_JP": "jp jpn japan",
    "zh_CN": "cn chn china",
}
_LOCALE_OF = {name: i for i, locale in enumerate(pools.LOCALES) for name in _COUNTRIES[locale].split()}
Small = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Traits:
    """Per row (or person) UNKNOWN, FEMALE or MALE, and the number of a locale in ``pools.LOCALES``, −1: unknown."""

    genders: Small
    locales: Small

    @classmethod
    def of(cls, columns: Mapping[str, pa.Array], rows: int) -> Traits:
        """Read from the values of a table's other columns, by their names and labels."""
        genders, locales = np.zeros(rows, dtype=np.int8), np.full(rows, -1, dtype=np.int8)
        for name, values in columns.items():
            if pa.types.is_string(values.type) and _GENDER.search(normalised(name)):
                genders = np.where(genders == UNKNOWN, _read(values, _gender, UNKNOWN), genders)
            elif pa.types.is_string(values.type) and _COUNTRY.search(normalised(name)):
                locales = np.where(locales < 0, _read(values, lambda label: _LOCALE_OF.get(label, -1), -1), locales)
        return cls(genders.astype(np.int8), locales.astype(np.int8))

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """A number for each combination, int64[n]."""
        found: npt.NDArray[np.int64] = (self.locales.astype(np.int64) + 1) * 3 + self.genders
        return found

    def take(self, rows: npt.NDArray[np.integer]) -> Traits:
        """Of some of the rows."""
        return Traits(self.genders[rows], self.locales[rows])


def _read(values: pa.Array, meaning: Callable[[str], int], unknown: int) -> Small:
    """What each label means, int8[n]; of a column of a great many labels nothing is read."""
    encoded = values.dictionary_encode()
    if len(encoded.dictionary) > _MOST_LABELS:
        return np.full(len(values), unknown, dtype=np.int8)
    meanings = [meaning(normalised(label)) for label in encoded.dictionary.to_pylist()]
    return np.array([*meanings, unknown], dtype=np.int8)[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _gender(label: str) -> int:
    if _FEMALE.fullmatch(label):
        return FEMALE
    return MALE if _MALE.fullmatch(label) else UNKNOWN
