"""Languages that speech engines take, as Telnyx writes them. Pure.

Source: the enumerations of the telnyx package 4.189 (`types/calls`).
"""

from __future__ import annotations

from typing import Final

_GOOGLE = """
    af sq am ar hy az eu bn bs bg my ca yue zh hr cs da nl en et fil fi fr gl ka de el gu iw hi hu is id it
    ja jv kn kk km ko lo lv lt mk ms ml mr mn ne no fa pl pt pa ro ru rw sr si sk sl ss st es su sw sv ta te
    th tn tr ts uk ur uz ve vi xh zu
"""
_WHISPER = """
    en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt
    la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc
    ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su auto_detect
"""
_AZURE = """
    af am ar bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn
    ko lo lt lv mk ml mn mr ms mt my nb ne nl pl ps pt ro ru si sk sl so sq sr sv sw ta te th tr uk ur uz vi
    wuu yue zh zu auto
"""
_XAI = """
    ar cs da de en es fa fil fr hi id it ja ko mk ms nl pl pt ro ru sv th tr vi
"""
_SPEECHMATICS = """
    en ba eu gl ga mt mn sw ug cy ar_en cmn_en en_ms en_ta tl es-bilingual-en cmn_en_ms_ta ar be bg bn ca
    cmn cs da de el eo es et fa fi fr he hi hr hu ia id it ja ko lt lv mr ms nl no pl pt ro ru sk sl sv ta
    th tr uk ur vi yue en-US en-GB en-AU cmn-Hans cmn-Hant
"""
_NOVA_2 = """
    bg ca zh-CN zh-Hans zh-TW zh-Hant zh-HK cs da-DK nl-BE en-US en-AU en-GB en-NZ en-IN et fi fr fr-CA
    de-CH el hi hu id it ja ko-KR lv lt ms no pl pt-BR pt-PT ro ru sk es-419 sv-SE th-TH tr uk vi
    auto_detect
"""
_NOVA_3 = """
    en-US en-AU en-GB en-IN en-NZ de nl sv-SE da-DK es es-419 fr fr-CA pt-BR pt-PT auto_detect
"""
_SPOKEN = """
    arb cmn-CN cy-GB da-DK de-DE en-AU en-GB en-GB-WLS en-IN en-US es-ES es-MX es-US fr-CA fr-FR hi-IN is-IS
    it-IT ja-JP ko-KR nb-NO nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sv-SE tr-TR
"""
_RECORDED = """
    af af-ZA am am-ET ar ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-MA ar-MR ar-OM ar-PS ar-QA
    ar-SA ar-TN ar-YE as auto_detect az az-AZ ba be bg bg-BG bn bn-BD bn-IN bo br bs bs-BA ca ca-ES cs cs-CZ
    cy da da-DK de de-AT de-CH de-DE el el-GR en en-AU en-CA en-GB en-GH en-HK en-IE en-IN en-KE en-NG en-NZ
    en-PH en-PK en-SG en-TZ en-US en-ZA es es-419 es-AR es-BO es-CL es-CO es-CR es-DO es-EC es-ES es-GT
    es-HN es-MX es-NI es-PA es-PE es-PR es-PY es-SV es-US es-UY es-VE et et-EE eu eu-ES fa fa-IR fi fi-FI
    fil-PH fo fr fr-BE fr-CA fr-CH fr-FR gl gl-ES gu gu-IN ha haw he hi hi-IN hr hr-HR ht hu hu-HU hy hy-AM
    id id-ID is is-IS it it-CH it-IT iw-IL ja ja-JP jv-ID jw ka ka-GE kk kk-KZ km km-KH kn kn-IN ko ko-KR la
    lb ln lo lo-LA lt lt-LT lv lv-LV mg mi mk mk-MK ml ml-IN mn mn-MN mr mr-IN ms ms-MY mt my my-MM ne ne-NP
    nl nl-BE nl-NL nn no no-NO oc pa pa-Guru-IN pl pl-PL ps pt pt-BR pt-PT ro ro-RO ru ru-RU rw-RW sa sd si
    si-LK sk sk-SK sl sl-SI sn so sq sq-AL sr sr-RS ss-latn-za st-ZA su su-ID sv sv-SE sw sw-KE sw-TZ ta
    ta-IN ta-LK ta-MY ta-SG te te-IN tg th th-TH tk tl tn-latn-za tr tr-TR ts-ZA tt uk uk-UA ur ur-IN ur-PK
    uz uz-UZ ve-ZA vi vi-VN xh-ZA yi yo yue-Hant-HK zh zh-TW zu-ZA
"""

GOOGLE: Final = tuple(_GOOGLE.split())
"""Google's, also that of `gather_using_ai`."""
WHISPER: Final = tuple(_WHISPER.split())
"""Telnyx's own engine."""
AZURE: Final = tuple(_AZURE.split())
XAI: Final = tuple(_XAI.split())
SPEECHMATICS: Final = tuple(_SPEECHMATICS.split())
NOVA_2: Final = tuple(_NOVA_2.split())
NOVA_3: Final = tuple(_NOVA_3.split())
SPOKEN: Final = tuple(_SPOKEN.split())
"""`language` of speak and gather_using_speak."""
RECORDED: Final = tuple(_RECORDED.split())
"""`transcription_language` of record_start."""
