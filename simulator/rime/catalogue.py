"""Rime's models and speakers, and the espeak-ng voice that speaks for each. Pure.

Source: Rime's `data/models/capabilities.json` and `data/voices/all-v2.snapshot.json` of August 2026, as its
documentation publishes them. A speaker that came later is unknown here. None of the voices is the simulated
caller's, and every language is spoken with an English voice.
"""

from __future__ import annotations

import zlib
from typing import Final

DEFAULT_MODEL: Final = "mistv3"
"""What Rime takes when a request names no model, or one that it has not."""
_ALIASES: Final = {"codav1": "coda", "arcanav2": "arcana", "arcanav3": "arcana", "mistv1": "mist"}
_LANGUAGES: Final = {
    "en": "eng", "es": "spa", "fr": "fra", "pt": "por", "de": "ger", "deu": "ger", "ja": "jpn", "ar": "ara",
    "hi": "hin", "it": "ita", "he": "heb",
}  # fmt: skip
_LEGACY: Final = frozenset({"mist", "mistv2"})

_FRENCH: Final = "alois juliette marguerite simone"
_GERMAN: Final = "amalia frieda karolina klaus maximilian"
_SPANISH: Final = "diego dolores isa jose lucia mari mateo pablo sofia"
_MIST: Final = (
    "alpine bayou blaze blossom boulder breeze brook cedar cove creek dew ember falcon fjord flower glacier "
    "granite grove gulch hawk iris ironwood jungle lagoon loquat lotus marsh mesa moon moraine peak pearl "
    "petal rain rainforest river spore steppe stone storm stream summit talon thunder tundra violet "
    "wildflower willow wolf zion"
)
_MIST_BEFORE_V3: Final = (
    "abbie allison ally alona amber ana antoine armon brenda brittany carol colin courtney elena elliot eva "
    "geoff gerald gypsum hank helen hera jen joe joy juan kendra kendrick kenneth kevin kris linda madison "
    "marge marina marissa marta maya nicholas nyles phil reba rex rick ritu rob rodney rohan rosco samantha "
    "sandy selena seth sharon stan tamra tanya tibur tj tyler viv yadira zest"
)
_CODA: Final = (
    "adeline albion alfhild alma amarante ana andromeda arcade argon astra atrium aurelio azura backbay "
    "bancroft bauer beatty berklee bianchi blackout bond bronte brussels celeste chantal clara clarity "
    "clementine clipper cupola drift dwight egbert eliphas elsie estelle esther eucalyptus everett eyre fern "
    "firefly firewall foster fuzz godfrey green hawa helium heller hesse hugo ibis jayne jicarilla joyce "
    "latte lawton lintel luna lydia lyra maddux madison marlu masonry mercury merritt milan milton moraga "
    "moss myrtle naipaul neptune nexus nicklaus oculus orbea orion ozu parapet perth pilaster pola potrero "
    "prentiss proxy pulse purple ronan rooney rosal rosemount ru sachet salik sirius sky solana sonnagh "
    "stucco tauro thalassa tim topeka transom truss ursa vashti vayu vernal vespera vesta victoria walavista "
    "wawona willow woolsey yukiko zen"
)

_SPEAKERS: Final[dict[str, dict[str, frozenset[str]]]] = {
    model: {language: frozenset(names.split()) for language, names in languages.items()}
    for model, languages in {
        "coda": {
            "eng": _CODA,
            "spa": "alba amanecer atardecer azulado brisa celestino cielo claridad estrella isla lark luz mar "
            "mediodia nieve nova ocaso orionne plenilunio resplandor seraphina serena solsticio trueno vespero",
            "por": "alzira baltasar celso estela isadora lucia rio sol",
            "ger": "aura baldur kumara liesel lorelei nacht runa",
            "fra": "aurelie destin seraphine solstice violette",
            "jpn": "akari akatsuki hirake hiru nozomi ren sakura taiyo yoru yugata",
            "ara": "batin fadil layla qadir sakina zahir",
            "hin": "nadi taru",
            "ita": "",
        },
        # Retired in August 2026, with more than two hundred speakers.
        "arcana": dict.fromkeys(("eng", "spa", "ger", "fra", "jpn", "por", "ara", "hin", "heb"), ""),
        "mistv3": {
            "eng": f"{_MIST} alexis astra estelle jose karst luna mari pablo pola runton sirius vespera",
            "spa": f"{_SPANISH} pola seraphina sirius",
            "ger": _GERMAN,
            "fra": _FRENCH,
        },
        "mistv2": {
            "eng": f"{_MIST} {_MIST_BEFORE_V3} astra cove_extra eucalyptus jose karst mari marlu mesa_extra pablo "
            "runton",
            "spa": _SPANISH,
            "ger": _GERMAN,
            "fra": _FRENCH,
        },
        "mist": {"eng": f"{_MIST} {_MIST_BEFORE_V3} alexis benjamin frank gabriela"},
    }.items()
}
_MEN: Final = (
    "albion arcade atrium aurelio backbay bancroft bauer beatty blackout bond brussels clarity clipper cupola "
    "drift dwight egbert eliphas everett fern firewall foster fuzz godfrey heller hugo lawton marlu masonry "
    "mercury milton naipaul neptune nexus nicklaus orion parapet pilaster potrero proxy pulse rooney ru salik "
    "sirius solana stucco tauro tim truss ursa vayu vernal woolsey zen alpine bayou blaze brook cedar creek "
    "falcon fjord flower glacier granite gulch hawk ironwood jose jungle loquat marsh pablo river runton "
    "spore stone storm summit talon thunder wolf zion"
)
_FEMALE_VARIANTS: Final = ("en-us+f2", "en-us+f3", "en-us+f4", "en+f2", "en+f4")
_MALE_VARIANTS: Final = ("en-us+m2", "en-us+m3", "en-us+m7", "en+m3", "en+m7")


def model_of(asked: str) -> str:
    """The model that answers for a `modelId`."""
    model = _ALIASES.get(asked, asked)
    return model if model in _SPEAKERS else DEFAULT_MODEL


def language_of(asked: str) -> str:
    """Rime's three letters for a tag such as `en` or `en-US`; what it does not know stays as it is."""
    base = asked.lower().split("-")[0].split("_")[0]
    return _LANGUAGES.get(base, base)


def refusal(model: str, speaker: str, language: str) -> str:
    """Why `model` cannot speak as `speaker` in `language`, or nothing."""
    languages = _SPEAKERS[model]
    if language not in languages:
        return f"Language {language} is not supported for model {model}"
    # Where nobody is listed, anybody is taken.
    if languages[language] and speaker not in languages[language]:
        listed = f"list of available voices for language '{language}' in model '{model}'"
        return f"Speaker '{speaker}' doesn't match {listed}."
    return ""


def slower_is_more(model: str) -> bool:
    """Whether a `speedAlpha` above 1 slows the voice down, as it does in the models before Mist v3."""
    return model in _LEGACY


def splits_punctuation(model: str) -> bool:
    """Whether a word's punctuation is a word of its own in the timestamps."""
    return model in _LEGACY


def espeak_voice(speaker: str) -> str:
    variants = _MALE_VARIANTS if speaker in _MEN.split() else _FEMALE_VARIANTS
    return variants[zlib.crc32(speaker.encode()) % len(variants)]
