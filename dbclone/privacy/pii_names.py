"""What the names of columns and tables promise, in some twenty languages; they come normalised (pii.normalised)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dbclone.privacy import content, names
from dbclone.schema import TypeFamily

TEXTUAL = frozenset({TypeFamily.TEXT, TypeFamily.OPAQUE})
NUMBERED = frozenset({TypeFamily.TEXT, TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.OPAQUE})
_MEASURED = frozenset({TypeFamily.FLOAT, TypeFamily.DECIMAL})
_DATED = frozenset({TypeFamily.DATE, TypeFamily.TIMESTAMP, TypeFamily.TEXT})


@dataclass(frozen=True)
class NameRule:
    kind: str
    names: str
    """Alternatives, matched against whole words of the column's name."""
    families: frozenset[TypeFamily] = TEXTUAL
    only_persons: bool = False
    """Counts only in a table of persons."""
    content: Callable[[str], bool] | None = None
    share: float = 0.5
    """Share of values that must look so, where there are values."""
    distinct: float = 0.0
    """Share of distinct values from which on the column can single somebody out."""


_PERSONS = (
    "person|people|persons|user|customer|client|employee|staff|worker|patient|member|contact|actor|author|editor|"
    "teacher|student|"
    "guest|passenger|driver|owner|doctor|physician|provider|practitioner|nurse|subscriber|applicant|candidate|player|"
    "citizen|resident|tenant|donor|lead|beneficiary|recipient|sender|manager|agent|salesperson|participant|voter|"
    "pupil|"
    "account_?holder|holder|insured|profile|buyer|seller|attendee|individual|friend|parent|child|spouse|reviewer|"
    "partner|"
    "composer|installer|guardian|"
    "kunde|kunden|mitarbeiter|benutzer|mitglied|mitglieder|ansprechpartner|versicherte|schueler|lehrer|personal|"
    "angestellte|fahrer|inhaber|"
    "personne|utilisateur|salarie|employe|adherent|medecin|praticien|eleve|abonne|"
    "cliente|empleado|usuario|persona|paciente|miembro|contacto|alumno|estudiante|profesor|trabajador|socio|"
    "dipendente|utente|paziente|contatto|studente|cliente|clienti|autista|socio|docente|"
    "funcionario|pessoa|aluno|contato|colaborador|responsavel|"
    "klant|klanten|medewerker|gebruiker|persoon|patienten|lid|leden|contactpersoon|leerling|"
    "klient|pracownik|pracownicy|uzytkownik|osoba|osoby|pacjent|uczen|"
    "kund|kunder|anvandare|medlem|anstalld|larare|elev|ansatt|bruker|bruger|"
    "utilizator|client|angajat|zakaznik|uzivatel|osoby|asiakas|henkilo|musteri|calisan|pelanggan|karyawan"
)
PERSON = re.compile(rf"(?:^|_)(?:{_PERSONS})(?:e?s|en|n|r)?(?:_|$)")
PLACES = re.compile(
    r"(?:^|_)(?:cit(?:y|ies)|towns?|countr(?:y|ies)|regions?|states?|zip|postal|postcodes?|places?|geo|ville|"
    r"ciudad|comune)(?:_|$)"
)
_QUALIFIERS = (
    "home|work|mobile|cell|perso|personal|private|priv|pro|port|portable|fixe|fixo|fisso|office|business|main|"
    "primary|"
    "secondary|principal|alt|alternate|other|extra|new|old|full|line|desc|text|value|raw|normali[sz]ed|lower|"
    "upper|public|"
    "notification|number|numero|num|no|nr|billing|shipping|social|name|first|last|village|lic|card|hash|digest|"
    rf"encrypted|enc|plain|[a-z]|{_PERSONS}"
)
_WHERE = "bill|ship|del|user|cust|site|res|home|work"
"""What may be written before a name without a break."""
_ROLES = r"\w*(?:er|or|ee|ist|ant|ent|haber)"

RULES: tuple[NameRule, ...] = (
    NameRule(
        "password",
        "password|passwd|pwd|pass|pass(?:word|wd)?_?(?:hash|digest|salt)|encrypted_password|passwort|kennwort|"
        "mot_de_passe|"
        "mdp|contrasena|clave|senha|wachtwoord|parola(?:_chiave)?|salt|haslo|losenord|adgangskode|passord|heslo|"
        "jelszo|"
        "sifre|salasana|kata_sandi|pass_?phrase|secret_?answer|pin_?code",
    ),
    NameRule(
        "token",
        "token|secret|api_?key|access_?key|private_?key|secret_?key|auth_?key|session_?key|activation_?key|"
        "credential|"
        "credentials|authori[sz]ation_?code|auth_?code|log_?key|otp_?secret",
    ),
    NameRule(
        "email",
        "e_?mail|mail|e?_?mail_?(?:addr(?:ess)?|adresse?|id)|correo(?:_electronico)?|courriel|epost(?:adresse?)?|mel|"
        "mejl_?adress|sahkoposti|eposta|inbox",
        content=content.is_email, share=0.4,
    ),
    NameRule("email", "user_?name|login|address|sendto|contact", content=content.is_email, share=0.7),
    NameRule(
        "ip", "\\w*ip|ip_?addr|ip_?address|ipv[46]|remote_addr|client_ip|adresse_ip",
        content=content.is_ip, share=0.4,
    ),
    NameRule("mac", "mac|mac_?addr|mac_?address(?:_?[a-z])?", content=content.is_mac, share=0.4),
    NameRule("iban", "iban(?:_?(?:number|no|nr))?|acc(?:ount)?_?(?:number|no|nr)", content=content.is_iban, share=0.3),
    NameRule(
        "card",
        "card_?number|credit_?card|cc_?number|card_?no|cc_?num|pan|kreditkarte|kartennummer|carte|tarjeta|carta|"
        "cartao|"
        "numero_?(?:carte|tarjeta|cartao|carta)",
        NUMBERED, content=content.is_card_like,
    ),
    NameRule(
        "national_id",
        "ssn(?:_?id)?|social_?security(?:_(?:number|no))?|sin|nin|nino|national_?id(?:_?(?:number|no|nr))?|"
        "national_?insurance(?:_?(?:number|no))?|passport(?:_?(?:number|no|nr|id))?|tax_?(?:id|number|no)|"
        "vat_?(?:id|number)?|npi|dea|"
        "steuer_?(?:id|nummer)|sozialversicherungs?_?(?:nummer|nr)|sv_?(?:nr|nummer)|versicherten_?(?:nr|nummer)|"
        "ausweis(?:_?(?:nummer|nr))?|"
        "nir|insee|nss|num(?:ero)?_?secu(?:rite)?|permis(?:_conduire)?|passeport|carte_identite|cni|"
        "dni|nie|nif|cif(?:_?nif)?|curp|rfc|rut|cuit|cuil|ruc|cedula|documento(?:_identidad)?|"
        "num(?:ero)?_?documento|pasaporte|"
        "codice_fiscale|partita_?iva|p_?iva|patente|numero_?patente|cpf(?:_?cnpj)?|cnpj|rg|cnh|bsn|"
        "burgerservicenummer|rijksregisternummer|"
        "pesel|nip|personnummer|personnr|fodselsnummer|cpr(?:_?(?:nr|nummer))?|henkilotunnus|hetu|cnp|"
        "rodne_cislo|tc_?kimlik(?:_?no)?|nik|"
        "drivers?_?lic(?:en[cs]e)?(?:_?(?:number|no|card))?|driver_licen[cs]e_number|drivers|"
        "id_?card(?:_?(?:number|no))?|identity_?(?:number|no)",
        NUMBERED, content=content.is_id_number,
    ),
    NameRule(
        "phone",
        "phone(?:_?(?:number|no|nr|num))?|(?:home|work|cell|mobile)_?phone(?:_?(?:number|no))?|tele?_?phone|"
        "mobile|cell|fax|tel|fon|"
        "telefon(?:_?(?:nummer|nr))?|handy(?:_?(?:nummer|nr))?|mobil(?:_?(?:nummer|nr|fon))?|natel(?:_?nummer)?|"
        "priv_?fon|mob_?fon|telefax|"
        "portable|telefono|movil|celular|cellulare|telefone|telemovel|fone|whatsapp|telefoon(?:_?nummer)?|"
        "mobiel(?:_?nummer)?|gsm|msisdn|"
        "num(?:ero)?_?(?:de_?)?(?:telefono?n?u?|telephone|telefone|tel|mobile|fisso|celular|cellulare)|"
        "puhelin(?:numero)?|puh|telefonszam|no_?hp|tlf|telno|contact_?(?:number|no)",
        NUMBERED, content=content.is_phone, share=0.4,
    ),
    NameRule(
        "plate",
        "licen[cs]e_?plate|number_?plate|plate|plate_?(?:number|no)|kennzeichen|immatriculation|matricula|targa|"
        "placa|"
        "kenteken|rejestracja|registreringsnummer",
        content=content.is_code,
    ),
    NameRule(
        "first_name",
        "first_?names?|given_?names?|fore_?name|f_?name|middle_?name|alternate_?name|vorname|prenom|"
        "primeiro_nome|primer_nombre|segundo_nombre|"
        "nombre_?[12]|nombres|voornaam|nome_proprio|imie|imiona|for_?namn|fornavn|prenume|jmeno|keresztnev|etunimi",
        content=content.is_name,
    ),
    NameRule(
        "last_name",
        "last_?name|sur_?name|family_?name|l_?name|maiden_?name|nachname|familienname|geburtsname|nom_de_famille|"
        "nom_naissance|apellidos?|"
        "(?:ap|apellido)_?(?:paterno|materno)|cognome|sobrenome|apelido|achternaam|familienaam|nazwisko|"
        "efter_?namn|efternavn|"
        "etternavn|prijmeni|vezeteknev|sukunimi|soyad[i1]?|nume_familie",
        content=content.is_name,
    ),
    NameRule("first_name", "nombre", only_persons=True, content=content.is_name),
    NameRule("last_name", "nume", only_persons=True, content=content.is_name),
    NameRule(
        "username",
        "user_?name|login|login_?name|login_?id|user_?id_?name|nick|nick_?name|nice_?name|screen_?name|benutzername|"
        "nom_utilisateur|nombre_(?:de_)?usuario|nome_utente|nome_usuario|gebruikersnaam|user_?login|user_?handle|"
        "handle|"
        "pseudo|pseudonyme|anvandarnamn|brukernavn|brugernavn|skype|linkedin|twitter|instagram|apodo|spitzname",
        distinct=0.3,
    ),
    NameRule(
        "full_name",
        "full_?name|legal_?name|real_?name|credited_?name|vollstaendiger_name|nom_complet|nombre_completo|"
        "nome_completo|"
        rf"volledige_naam|contact_?name|(?:{_PERSONS})_?(?:full_?)?name|name_of_(?:{_PERSONS})|billing_name|"
        rf"shipping_name|ship_name|bill_name|"
        "recipient|next_of_kin|emergency_contact(?:_name)?|guardian|inhaber|konto_?inhaber|medecin_traitant|"
        "ansprechpartner|"
        "(?:nome_(?:da_)?)?(?:mae|pai)|mother|father|spouse|comment_author|acc_?holder_name",
        content=content.is_name, distinct=0.2,
    ),
    NameRule(
        "full_name",
        "name|nom|nome|naam|names|namn|navn|nama|display_?name|ragione_sociale|nazwa",
        only_persons=True, content=content.is_name, distinct=0.2,
    ),
    NameRule("full_name", rf"{_ROLES}_?name|composer|contact|author", content=names.is_full_name, distinct=0.2),
    NameRule(
        "username", "name|display_?name|original_name|desired_name",
        only_persons=True, content=content.is_code, distinct=0.3,
    ),
    NameRule(
        "street",
        "street|street_?(?:address|name|line)?_?[123]?|address|address_?(?:line)?_?[1-4]|address_line|addr|"
        "addr_?[123]|"
        "street_?address|strasse|anschrift|adresse?|adres|adresa|adress_?[12]?|rue|voie|calle|direccion|"
        "domicilio|indirizzo|via|endereco|logradouro|"
        "straat(?:naam)?|ulica|gata|gatuadress|strada|ulice|utca|osoite|alamat|site_?address|domicile|"
        "(?:billing|shipping|home|mailing|postal|ship|bill|delivery|del)_?(?:address|street)",
        content=content.is_street, share=0.3, distinct=0.05,
    ),
    NameRule(
        "postal_code",
        "zip|zip_?(?:code|5)|post_?code|postal|postal_?code|plz|postleitzahl|code_?postal|cp|cod(?:igo)?_?postal|"
        "cap|cep|codice_?postale|"
        "kod_?pocztowy|post_?(?:nr|nummer)|psc|iranyitoszam|postinumero|posta_kodu|kode_?pos|postnummer|pin_?code",
        frozenset({TypeFamily.TEXT, TypeFamily.INTEGER}), content=content.is_code, distinct=0.1,
    ),
    NameRule(
        "city",
        "city|town|municipality|ort|wohnort|geburtsort|stadt|ville|commune|ciudad|localidad|poblacion|citta|"
        "comune|cidade|municipio|plaats|"
        "woonplaats|geboorteplaats|miasto|miejscowosc|miejsce_urodzenia|postort|poststed|oras|mesto|varos|"
        "kaupunki|kota|"
        "lieu_(?:de_)?naissance|luogo_(?:di_)?nascita|lugar_(?:de_)?nacimiento|(?:place|city)_of_birth|birth_?place",
        content=content.is_name, distinct=0.1,
    ),
    NameRule(
        "company",
        "company|company_?name|employer|firma|firmen?_?name|entreprise|societe|empresa|azienda|"
        "bedrijf(?:s_?naam)?|organi[sz]ation_?name|"
        "ragione_sociale|razao_social|razon_social|foretag|yritys|nazwa_firmy",
        distinct=0.3,
    ),
    NameRule(
        "birth_date",
        "birth_?dates?|birth_?day|birth_?date_?time|date_of_birth|dob|birth|born(?:_on)?|geburts_?(?:datum|tag)|"
        "geb_?(?:datum)?|date_?(?:de_)?naiss(?:ance)?|ddn|"
        "fecha_?(?:de_)?nac(?:imiento)?|data_?(?:di_)?nascita|data_?(?:de_)?nasc(?:imento)?|geboortedatum|"
        "data_urodzenia|"
        "fodelse_?(?:datum|dag)|fodselsdato|fodd|data_nasterii|datum_narozeni|szuletesi_datum|syntymaaika|"
        "dogum_tarihi|tanggal_lahir",
        _DATED,
    ),
    NameRule("latitude", "lat|latitude|breitengrad|latitud|latitudine", _MEASURED),
    NameRule("longitude", "lng|lon|long|longitude|laengengrad|longitud|longitudine", _MEASURED),
)  # fmt: skip


def _matcher(rule: NameRule) -> re.Pattern[str]:
    if rule.only_persons:
        return re.compile(rf"^(?:(?:{_PERSONS})_)?(?:{rule.names})(?:_?\d)?$")
    tail = rf"(?:_(?:{_QUALIFIERS}))*"
    return re.compile(rf"(?:^|_)(?:{_WHERE})?(?:{rule.names})(?:_?\d)?{tail}(?:_?\d)?$")


MATCHERS = tuple((rule, _matcher(rule)) for rule in RULES)
NOT_A_VALUE = re.compile(
    r"(?:^(?:is|has|num|count|n|can|allow|no_of|total)_(?!telefon|secu|tel|doc))|"
    r"_(?:id|ids|key|type|kind|status|count|verified|confirmed|valid|sent|at|on|date|flag|format|length|size|"
    r"code_id)$"
)
KEYED = re.compile(
    r"(?:api|access|private|secret|auth|session|activation|log)_?key$|(?:tax|steuer|national|ssn|passport|vat|"
    r"login|mail)_?id$|"
    r"birth.*date$|date$"
)
STRONG = frozenset({"first_name", "last_name", "birth_date", "national_id"})
"""Kinds of which one column makes its table one of persons."""
