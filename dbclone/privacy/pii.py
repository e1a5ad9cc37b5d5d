"""Which columns hold personal data: judged by column name (seven languages), table name, type and content.

A name alone is not enough where it is ambiguous: ``name`` is a person's only in a table of persons, ``city`` only where
it hardly repeats.  Content speaks for itself where it has a checksum or a strict form (e-mail, IBAN, card number).
The reasons given never contain data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from dbclone.privacy import content
from dbclone.schema import Column, TableName, TypeFamily

_SAMPLE = 2_000
_TEXTUAL = frozenset({TypeFamily.TEXT, TypeFamily.OPAQUE})
_NUMBERED = frozenset({TypeFamily.TEXT, TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.OPAQUE})
_TYPED = {"ip": ("inet", "inet4", "inet6", "cidr"), "mac": ("macaddr",)}
"""Kinds for which products have types of their own, and these; an 8-byte macaddr8 looks like an IP address."""
_MEASURED = frozenset({TypeFamily.FLOAT, TypeFamily.DECIMAL})
_DATED = frozenset({TypeFamily.DATE, TypeFamily.TIMESTAMP, TypeFamily.TEXT})

MODELLED = frozenset({"birth_date", "latitude", "longitude"})
"""Personal, but kept as statistics (interpolated, extremes cut) instead of being made up by Faker."""


@dataclass(frozen=True)
class PiiEvidence:
    kind: str
    """email, phone, first_name … ; 'pii:' + kind is the column's kind unless it is one of MODELLED."""
    evidence: str
    """Why, without data values."""
    confidence: float
    """Between 0 and 1; from content and name together > 0.9."""


@dataclass(frozen=True)
class _NameRule:
    kind: str
    names: str
    """Alternatives, matched against whole words of the column's name."""
    families: frozenset[TypeFamily] = _TEXTUAL
    only_persons: bool = False
    """Counts only in a table of persons."""
    content: Callable[[str], bool] | None = None
    share: float = 0.5
    """Share of values that must look so, where there are values."""
    distinct: float = 0.0
    """Share of distinct values from which on the column can single somebody out."""


_PERSONS = (
    "person|people|persons|user|customer|client|employee|staff|worker|patient|member|contact|actor|author|editor|teacher|student|"
    "guest|passenger|driver|owner|doctor|physician|provider|practitioner|nurse|subscriber|applicant|candidate|player|"
    "citizen|resident|tenant|donor|lead|beneficiary|recipient|sender|manager|agent|salesperson|participant|voter|pupil|"
    "account_holder|holder|insured|profile|buyer|seller|attendee|individual|friend|parent|child|spouse|kunde|kunden|"
    "mitarbeiter|benutzer|mitglied|ansprechpartner|versicherte|schueler|lehrer|personne|utilisateur|salarie|employe|"
    "adherent|cliente|empleado|usuario|persona|paciente|miembro|contacto|alumno|dipendente|utente|paziente|contatto|"
    "studente|funcionario|pessoa|aluno|contato|klant|medewerker|gebruiker|persoon|patienten|lid|contactpersoon|leerling"
)
_PERSON = re.compile(rf"(?:^|_)(?:{_PERSONS})(?:e?s|en|n)?(?:_|$)")
_PLACES = re.compile(
    r"(?:^|_)(?:cit(?:y|ies)|towns?|countr(?:y|ies)|regions?|states?|zip|postal|postcodes?|places?|geo)(?:_|$)"
)

RULES: tuple[_NameRule, ...] = (
    _NameRule(
        "password",
        "password|passwd|pwd|pass(?:word|wd)?_?(?:hash|digest|salt)|encrypted_password|passwort|kennwort|mot_de_passe|mdp|contrasena|clave|"
        "senha|wachtwoord|parola_chiave|salt",
    ),
    _NameRule(
        "token",
        "token|secret|api_?key|access_?key|private_?key|secret_?key|auth_?key|session_?key|credential|credentials",
    ),
    _NameRule(
        "email",
        "e_?mail|mail|e?_?mail_?addr(?:ess)?|correo|courriel|epost|mel",
        content=content.is_email, share=0.4,
    ),
    _NameRule("ip", "ip|ip_?addr|ip_?address|ipv[46]|remote_addr|client_ip", content=content.is_ip, share=0.4),
    _NameRule("mac", "mac|mac_?addr|mac_?address", content=content.is_mac, share=0.4),
    _NameRule("iban", "iban", content=content.is_iban, share=0.3),
    _NameRule(
        "card",
        "card_?number|credit_?card|cc_?number|card_?no|cc_?num|pan|kreditkarte|kartennummer|carte|tarjeta|carta|cartao",
        _NUMBERED, content=content.is_card_like,
    ),
    _NameRule(
        "national_id",
        "ssn|social_?security(?:_(?:number|no))?|sin|nin|national_?id(?:_?(?:number|no|nr))?|national_?insurance(?:_?(?:number|no))?|passport(?:_?(?:number|no|nr))?|tax_?id|"
        "steuer_?id|sozialversicherungsnummer|ausweis(?:nummer)?|nir|insee|num_secu|dni|nie|curp|codice_fiscale|cpf|bsn|"
        "drivers?_licen[cs]e|driver_licen[cs]e_number|drivers|passport",
        _NUMBERED, content=content.is_id_number,
    ),
    _NameRule(
        "phone",
        "phone(?:_?(?:number|no|nr))?|telephone|mobile|mobile_?phone|cell|cell_?phone|fax|tel|telefon|telefonnummer|handy|"
        "mobil|portable|telefono|movil|celular|cellulare|telefone|telemovel|telefoon|mobiel|gsm|msisdn",
        _NUMBERED, content=content.is_phone, share=0.4,
    ),
    _NameRule(
        "plate",
        "licen[cs]e_?plate|number_?plate|plate|plate_?(?:number|no)|kennzeichen|immatriculation|matricula|targa|placa|kenteken",
        content=content.is_code,
    ),
    _NameRule(
        "first_name",
        "first_?name|given_?name|fore_?name|f_?name|middle_?name|vorname|prenom|primeiro_nome|primer_nombre|voornaam|"
        "nome_proprio",
        content=content.is_name,
    ),
    _NameRule(
        "last_name",
        "last_?name|sur_?name|family_?name|l_?name|maiden_?name|nachname|familienname|nom_de_famille|apellidos?|"
        "cognome|sobrenome|apelido|achternaam|familienaam",
        content=content.is_name,
    ),
    _NameRule("first_name", "nombre", only_persons=True, content=content.is_name),
    _NameRule(
        "username",
        "user_?name|login|login_?name|loginid|nick|nick_?name|screen_?name|benutzername|nom_utilisateur|nombre_usuario|"
        "nome_utente|gebruikersnaam|user_?login|user_?handle|handle",
        distinct=0.3,
    ),
    _NameRule(
        "full_name",
        "full_?name|legal_?name|real_?name|vollstaendiger_name|nom_complet|nombre_completo|nome_completo|"
        rf"volledige_naam|contact_?name|(?:{_PERSONS})_?name|name_of_(?:{_PERSONS})|billing_name|shipping_name|"
        "recipient|next_of_kin|emergency_contact",
        content=content.is_name, distinct=0.2,
    ),
    _NameRule(
        "full_name",
        "name|nom|nome|naam|names|display_?name|credited_?name",
        only_persons=True, content=content.is_name, distinct=0.2,
    ),
    _NameRule("username", "name|display_?name", only_persons=True, content=content.is_code, distinct=0.3),
    _NameRule(
        "street",
        "street|street_?(?:address|name|line)?_?[123]?|address|address_?(?:line)?_?[1-4]|address_line|addr|addr_?[123]|"
        "street_?address|strasse|anschrift|adresse|rue|calle|direccion|domicilio|indirizzo|endereco|logradouro|straat|adres|"
        "(?:billing|shipping|home|mailing|postal|ship|bill|delivery)_?(?:address|street)",
        content=content.is_street, share=0.3, distinct=0.05,
    ),
    _NameRule(
        "postal_code",
        "zip|zip_?code|post_?code|postal|postal_?code|plz|postleitzahl|code_?postal|codigo_?postal|cap|cep|codice_?postale",
        frozenset({TypeFamily.TEXT, TypeFamily.INTEGER}), content=content.is_code, distinct=0.1,
    ),
    _NameRule(
        "city",
        "city|town|municipality|ort|wohnort|stadt|ville|commune|ciudad|citta|comune|cidade|municipio|plaats|woonplaats",
        content=content.is_name, distinct=0.1,
    ),
    _NameRule(
        "company",
        "company|company_?name|employer|firma|entreprise|societe|empresa|azienda|bedrijf|organi[sz]ation_?name",
        distinct=0.3,
    ),
    _NameRule(
        "birth_date",
        "birth_?dates?|birth_?day|birth_?date_?time|date_of_birth|dob|birth|geburtsdatum|geburtstag|date_(?:de_)?naissance|"
        "fecha_(?:de_)?nacimiento|data_(?:di_)?nascita|data_(?:de_)?nascimento|geboortedatum",
        _DATED,
    ),
    _NameRule("latitude", "lat|latitude|breitengrad|latitud|latitudine", _MEASURED),
    _NameRule("longitude", "lng|lon|long|longitude|laengengrad|longitud|longitudine", _MEASURED),
)  # fmt: skip
_MATCHERS = tuple((rule, re.compile(rf"(?:^|_)(?:{rule.names})(?:_?\d)?$")) for rule in RULES)
_NOT_A_VALUE = re.compile(
    r"(?:^(?:is|has|num|count|n|can|allow|no_of|total)_)|"
    r"_(?:id|ids|key|type|kind|status|count|verified|confirmed|valid|sent|at|on|date|flag|format|length|size|code_id)$"
)
_KEYED = re.compile(r"(?:api|access|private|secret|auth|session)_?key$|(?:tax|steuer|national)_?id$|birth.*date$|date$")

_CONTENT: tuple[tuple[str, str, Callable[[str], bool], float], ...] = (
    ("email", "e-mail", content.is_email, 0.7),
    ("iban", "IBAN", content.is_iban, 0.7),
    ("card", "card number with a valid checksum", content.is_card, 0.9),
    ("ip", "IP address", content.is_ip, 0.9),
    ("mac", "MAC address", content.is_mac, 0.9),
    ("national_id", "US social security number", content.is_ssn, 0.9),
    ("url_user", "URL with a user", content.is_url_with_user, 0.5),
    ("phone", "international phone number", content.is_international_phone, 0.7),
)


def detect_pii(table: TableName | None, column: Column, values: pa.Array | pa.ChunkedArray) -> PiiEvidence | None:
    """What personal data the column holds, or None.  Looks at no more than some thousand values."""
    sample = _strings(values)
    found = _by_name(table, column, sample) or _by_content(column, sample)
    if found and column.type.family is TypeFamily.OPAQUE and column.type.sql.lower() not in _TYPED.get(found.kind, ()):
        return None  # a composite or other type that a made-up text does not fit
    return found


def normalised(name: str) -> str:
    """A name in lower case without accents, its words joined by '_': ``BillingAddress2`` → ``billing_address_2``."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _by_name(table: TableName | None, column: Column, sample: Sequence[str]) -> PiiEvidence | None:
    name = normalised(column.name)
    if _NOT_A_VALUE.search(name) and not _KEYED.search(name):
        return None
    for rule, matcher in _MATCHERS:
        if column.type.family in rule.families and matcher.search(name) and _plausible(rule, table, sample):
            return _evidence(rule, sample)
    return None


def _plausible(rule: _NameRule, table: TableName | None, sample: Sequence[str]) -> bool:
    """Whether table and values agree with what the column's name promises."""
    where = normalised(table.name) if table else ""
    if rule.only_persons and not _PERSON.search(where):
        return False
    if rule.kind in ("city", "postal_code") and _PLACES.search(where) and not _PERSON.search(where):
        return False
    if not sample:
        return True
    if len(set(sample)) < rule.distinct * len(sample):
        return False
    return rule.content is None or _share(rule.content, sample) >= rule.share


def _evidence(rule: _NameRule, sample: Sequence[str]) -> PiiEvidence:
    label = rule.kind.replace("_", " ")
    if not sample:
        return PiiEvidence(rule.kind, f"name matches {label}; no values to look at", 0.6)
    if rule.content is None:
        return PiiEvidence(rule.kind, f"name matches {label}", 0.8)
    share = _share(rule.content, sample)
    return PiiEvidence(rule.kind, f"name matches {label}; {share:.0%} of values look like one", 0.7 + 0.29 * share)


def _by_content(column: Column, sample: Sequence[str]) -> PiiEvidence | None:
    if column.type.family not in _TEXTUAL or len(sample) < 3:
        return None
    for kind, label, matches, least in _CONTENT:
        if (share := _share(matches, sample)) >= least:
            return PiiEvidence(kind, f"{share:.0%} of values match the {label} pattern", 0.5 + 0.45 * share)
    if (found := _share(content.mentions_person, sample)) >= 0.02 and _share(content.is_prose, sample) > 0.3:
        return PiiEvidence("free_text", f"prose of which {found:.0%} mentions e-mail addresses or phone numbers", 0.7)
    return None


def _share(matches: Callable[[str], bool], sample: Sequence[str]) -> float:
    return sum(map(matches, sample)) / len(sample)


def _strings(values: pa.Array | pa.ChunkedArray) -> list[str]:
    """Up to some thousand non-empty values, evenly spread, as text."""
    step = max(len(values) // _SAMPLE, 1)
    picked = [values[i].as_py() for i in range(0, len(values), step)]
    return [text for v in picked if v is not None and (text := str(v).strip())]
