"""What a ticket is: incident or request in three languages, on every channel alike; in scope or not; complete."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gateway.decide.language import BadPolicy, Known
from gateway.decide.objection import Objection
from gateway.decide.triage import Triaged, deviate, ending, enforced, triage
from gateway.decide.triage.policy import compile_triage
from tests.decide.shipped import asked, example, other, shipped

SHIPPED = compile_triage(shipped("triage"))


def sorted_out(title: str, description: str = "", **more: Any) -> Triaged:
    return triage(SHIPPED, asked(title, description, **more))


INCIDENTS = [
    "Printer on floor 2 is not working",
    "Cannot open Outlook since this morning",
    "VPN drops every ten minutes",
    "Laptop screen is broken",
    "The website is down",
    "The payroll run failed with an error",
    "Network is very slow in the warehouse",
    "My phone won't charge",
    "Excel crashes when I save",
    "I can't reach the shared drive",
    "La impresora no funciona",
    "No puedo abrir el correo",
    "Se ha caído la red de la oficina",
    "La pantalla está rota",
    "Error al guardar en SAP",
    "El ordenador va muy lento",
    "El teléfono ha dejado de sonar",
    "Не работает принтер",
    "Не могу войти в почту",
    "Упал сервер приложений",
    "Сломался монитор",
    "Ошибка при открытии 1С",
    "Пропал интернет",
    "Компьютер зависает при запуске",
]
REQUESTS = [
    "Please install Photoshop on my laptop",
    "New laptop for a colleague who starts on Monday",
    "How do I set an out-of-office reply?",
    "Access to the finance folder",
    "Information about the guest network",
    "Move my phone to room 12",
    "Order a second monitor",
    "Change the owner of a distribution list",
    "I would like a headset",
    "Licence for Visio",
    "Instalar Office en mi portátil",
    "Nuevo portátil para Marta",
    "¿Cómo configuro la firma del correo?",
    "Solicito acceso a la carpeta de ventas",
    "Información sobre la wifi de invitados",
    "Cambio de puesto de trabajo",
    "Alta de usuario para el 1 de mayo",
    "Установите, пожалуйста, Photoshop",
    "Нужен новый ноутбук",
    "Как настроить подпись в письме?",
    "Прошу предоставить доступ к папке",
    "Информация о гостевом Wi-Fi",
    "Перенести телефон в кабинет 12",
    "Заказ второго монитора",
]


@pytest.mark.parametrize("title", INCIDENTS)
def test_something_that_worked_and_fails_is_an_incident(title: str) -> None:
    found = sorted_out(title)
    assert (found.kind, found.decision.outcome) == ("incident", "incident")
    assert found.decision.rule == "something that worked fails"
    assert "is said" in found.decision.because


@pytest.mark.parametrize("title", REQUESTS)
def test_information_a_change_or_something_new_is_a_request(title: str) -> None:
    found = sorted_out(title)
    assert (found.kind, found.decision.rule) == ("request", "information, a change or something new")


def test_the_title_weighs_more_than_the_text() -> None:
    assert sorted_out("New laptop", "the old one is slow and broken").kind == "request"
    assert sorted_out("Laptop broken", "do I need a new one?").kind == "incident"
    assert sorted_out("Help", "Buenos días, no puedo imprimir").kind == "incident"


def test_without_a_word_the_category_or_the_channel_tell() -> None:
    assert sorted_out("Hm", category="inquiry").decision.rule == "an inquiry"
    assert sorted_out("srv-12", channel="monitoring").decision.rule == "a machine reports a failure"
    assert (sorted_out("Hm").kind, sorted_out("Hm").decision.rule) == ("incident", "default")


def test_the_rule_of_thumb_is_shown_in_the_forms_help() -> None:
    texts = {language: SHIPPED.guide(language)["help"] for language in ("en", "es", "ru")}
    assert "incident" in texts["en"] and "incidente" in texts["es"] and "инцидент" in texts["ru"]
    assert SHIPPED.guide("fr")["help"] == texts["en"]
    told = {row["name"]: (row["kind"], row["told"]) for row in SHIPPED.guide("es")["decided"]}
    assert told["password reset"] == ("request", "Una contraseña olvidada o caducada es una solicitud.")


# --- grey areas ---

CHANNELS = ["portal", "api", "mail", "phone", "connection:acme"]
RESETS = [
    "Password reset",
    "I forgot my password",
    "Please reset the password of my account, it does not work",
    "He olvidado mi contraseña",
    "Restablecer la contraseña de SAP",
    "Забыл пароль от почты",
    "Прошу сбросить пароль",
]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("title", RESETS)
def test_a_password_reset_is_a_request_on_every_channel(channel: str, title: str) -> None:
    by = "provider" if channel.startswith("connection:") else "requester"
    for kind in ("", "incident", "request"):
        found = sorted_out(title, channel=channel, kind=kind, by=by)
        assert (found.kind, found.firm, found.decision.rule) == ("request", True, "password reset"), kind
    assert enforced(SHIPPED, asked(title, channel=channel)) == ("request", "password reset")


def test_what_was_chosen_without_a_reason_is_named_among_the_lost() -> None:
    found = sorted_out("Password reset", kind="incident", by="agent")
    assert ["by hand", "incident was chosen by the agent, without a reason that would hold"] in found.decision.lost


def test_outside_the_grey_areas_the_choice_of_people_stands() -> None:
    found = sorted_out("Printer is not working", kind="request", by="agent")
    assert (found.kind, found.decision.rule, found.firm) == ("request", "by hand", False)
    assert found.decision.otherwise == "it would be an incident by rule something that worked fails"
    assert sorted_out("Password reset", kind="problem", by="agent").kind == "problem"


def test_an_agent_who_deviates_needs_a_reason_and_it_holds() -> None:
    facts = asked("Password reset for the whole plant")
    with pytest.raises(Objection, match="it was decided that password reset is a request") as refused:
        deviate(SHIPPED, facts, "incident", "agent:ana", " ")
    assert (refused.value.field, refused.value.value) == ("kind", "incident")
    held = deviate(SHIPPED, facts, "incident", "agent:ana", "nobody there can sign in")
    later = asked("Password reset for the whole plant", held=held)
    found = triage(SHIPPED, later)
    assert (found.kind, found.decision.because) == ("incident", "nobody there can sign in")
    assert enforced(SHIPPED, later) == ("incident", "by hand")
    assert deviate(SHIPPED, later, "request", "agent:ben", "") == {}


def test_an_agents_reason_at_intake_holds() -> None:
    found = sorted_out("Password reset", kind="incident", by="agent", reason="the directory is down")
    assert (found.kind, found.decision.rule) == ("incident", "by hand")
    assert found.held["kind"]["because"] == "the directory is down"
    assert sorted_out("Password reset", kind="incident", by="requester", reason="urgent").kind == "request"


def test_a_deviation_where_nothing_was_decided_needs_no_reason() -> None:
    assert deviate(SHIPPED, asked("Printer is broken"), "request", "agent:ana", "") == {}
    assert enforced(SHIPPED, asked("Printer is broken")) == ("", "")


# --- the catalogue ---

CATALOGUE = compile_triage(
    {
        "policy": 1,
        "name": "triage",
        "catalogue": {
            "unlisted": "out_of_scope",
            "referral": {"en": "Ask somebody else about {service}.", "es": "Pregunte a otros por {service}."},
            "services": {
                "payroll": {
                    "title": {"en": "Payroll", "es": "Nóminas"},
                    "says": {"en": ["payslip*"]},
                    "clientele": ["employee"],
                    "sites": ["Madrid", "Moscow"],
                    "queue": "team:hr",
                    "providers": [],
                    "languages": ["es", "en"],
                },
                "servers": {"categories": ["software"], "providers": ["provider:acme"]},
                "coffee": {"supported": False, "says": {"en": ["coffee"]}, "referral": "Call the kitchen."},
            },
        },
    }
)


def scoped(title: str, **more: Any) -> Triaged:
    return triage(CATALOGUE, asked(title, **more))


def test_what_is_not_supported_is_referred_and_counted() -> None:
    found = scoped("The coffee machine is empty")
    assert (found.in_scope, found.service, found.decision.outcome) == (False, "coffee", "out_of_scope")
    assert [(one.kind, one.text) for one in found.answers] == [("referral", "Call the kitchen.")]
    assert found.decision.because == 'coffee is not supported: "coffee" is said'
    assert found.kind == "incident", "it is logged all the same"


def test_a_service_is_for_some_people_at_some_sites() -> None:
    assert scoped("My payslip", clientele="employee", site="Moscow").in_scope
    customer = scoped("My payslip", clientele="customer", language="es")
    assert (customer.in_scope, customer.answers[0].text) == (False, "Pregunte a otros por Nóminas.")
    elsewhere = scoped("My payslip", site="Berlin")
    assert elsewhere.decision.because.startswith("payroll is not for Berlin")
    assert scoped("My payslip").in_scope, "who is not known well is not sent away"


def test_the_service_is_told_by_its_name_its_words_or_its_category() -> None:
    assert scoped("x", service="Nominas").service == "payroll"
    assert scoped("x", description="about my payslip").service == "payroll"
    assert scoped("x", category="software").service == "servers"
    other = scoped("x", service="Gardening")
    assert (other.in_scope, other.service) == (False, "")
    assert other.answers[0].text == "Ask somebody else about Gardening."
    assert scoped("x").in_scope


def test_the_catalogue_tells_routing_who_may_have_it() -> None:
    providers = ["provider:acme", "provider:bolt"]
    hr = scoped("payslip", providers=providers)
    assert (hr.queue, hr.contract, sorted(hr.barred)) == ("team:hr", (), providers)
    servers = scoped("x", category="software", providers=providers)
    assert (servers.contract, servers.barred) == (
        ("provider:acme",),
        {"provider:bolt": "has no contract that covers servers"},
    )
    assert scoped("nothing", providers=providers).barred == {}


def test_a_language_that_is_not_supported_is_said() -> None:
    assert scoped("payslip", language="ru").notices == (
        "payroll is not supported in ru, the requester's language: es, en",
    )
    assert scoped("payslip", language="es-MX").notices == ()


def test_the_catalogue_can_be_read() -> None:
    rows = {row["service"]: row for row in CATALOGUE.services("es")}
    assert (rows["payroll"]["title"], rows["payroll"]["sites"]) == ("Nóminas", ["Madrid", "Moscow"])
    assert (rows["coffee"]["supported"], rows["coffee"]["referral"]) == (False, "Call the kitchen.")
    private = SHIPPED.services("es")[0]
    assert private["referral"].startswith("Nuestro servicio de ayuda no atiende dispositivos particulares.")


# --- what is needed ---


def test_hardware_is_not_resolved_without_its_asset_or_the_word_that_there_is_none() -> None:
    facts = asked("Screen is broken", category="hardware", language="es")
    for status in ("resolved", "closed"):
        with pytest.raises(Objection, match="the asset is not named") as refused:
            ending(SHIPPED, facts, status)
        assert refused.value.field == "assets" and "none" in refused.value.fix
    ending(SHIPPED, facts, "cancelled")
    for assets in (["LT-1"], ["none"], ["нет"]):
        ending(SHIPPED, asked("Screen is broken", category="hardware", assets=assets), "resolved")
    ending(SHIPPED, asked("Screen is broken", category="software"), "resolved")
    found = triage(SHIPPED, facts)
    assert [one.field for one in found.missing] == ["assets"]
    assert [one.kind for one in found.answers] == ["ask"]
    assert "etiqueta" in found.answers[0].text


def test_facts_are_asked_for_by_rule() -> None:
    needs = [{"name": "a move", "when": 'kind == "request"', "facts": ["due", "custom.provider_group"], "ask": "When?"}]
    policy = compile_triage({"policy": 1, "name": "triage", "needs": needs, "default": "request"})
    found = triage(policy, asked("move"))
    assert [(one.field, one.rule) for one in found.missing] == [("due", "a move"), ("custom.provider_group", "a move")]
    assert found.answers[0].text == "When?"
    with pytest.raises(Objection, match="due is empty"):
        ending(policy, asked("move") | {"kind": "request"}, "resolved")


# --- unknown senders ---


def test_an_unknown_sender_is_logged_and_asked_who_he_is_and_told_nothing_else() -> None:
    open_one = [other(7, "Printer is not working")]
    found = sorted_out("Printer is not working", channel="mail", known=False, others=open_one)
    assert (found.verified, found.decision.outcome, found.decision.rule) == (False, "unverified", "unknown sender")
    assert found.duplicate_of is None
    (answer,) = found.answers
    assert answer.kind == "verify" and "7" not in answer.text and "Printer" not in answer.text
    assert sorted_out("Printer is not working", channel="phone", known=False).verified
    assert sorted_out("Printer is not working", channel="mail").verified


# --- a policy with mistakes ---


@pytest.mark.parametrize(
    ("part", "path", "said"),
    [
        ("rules: [{name: a, kind: incident}]", "rules[0]", "holds for every ticket"),
        ("rules: [{name: a, kind: bug, when: 'true'}]", "rules[0].kind", "no such kind"),
        ("rules: [{name: a, kind: problem, when: 'true'}]", "rules[0].kind", "no such kind"),
        ("rules: [{name: a, kind: request, words: nope}]", "rules[0].words", "no such list"),
        ("rules: [{name: a, kind: request, when: 'nope'}]", "rules[0].when", "undeclared"),
        ("grey: [{name: a, kind: request, says: {en: ['+ x']}}]", "grey[0].says.en[0]", "no word"),
        ("grey: [{name: a, kind: request, says: {english: [x]}}]", "grey[0].says.english", "not a language"),
        ("grey: [{name: a, kind: request, when: true}, {name: a, kind: request, when: true}]", "grey[1].name", "name"),
        ("needs: [{name: a}]", "needs[0]", "asks for nothing"),
        ("needs: [{name: a, facts: [colour]}]", "needs[0].facts[0]", "no such field"),
        ("catalogue: {services: {x: {clientele: [cats]}}}", "catalogue.services.x.clientele[0]", "clientele"),
        ("catalogue: {services: {x: {providers: ['team:a']}}}", "catalogue.services.x.providers[0]", "contract"),
        ("repeats: {similarity: 7}", "repeats.similarity", "a number"),
        ("repeats: {within: soon}", "repeats.within", "a length of time"),
        ("senders: {unknown: verify}", "senders.answer", "is needed"),
        ("default: problem", "default", "no such kind"),
        ("colour: red", "colour", "no such key"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_at_its_place(part: str, path: str, said: str) -> None:
    with pytest.raises(BadPolicy) as refused:
        compile_triage(yaml.safe_load(f"policy: 1\nname: triage\n{part}\n"))
    assert [fault.path for fault in refused.value.faults] == [path]
    assert said in refused.value.faults[0].title


def test_the_example_is_one_that_can_be_published() -> None:
    known = Known(
        frozenset({"service-desk", "people", "network"}), frozenset({"acme", "bolt"}), frozenset({"acme", "bolt"})
    )
    policy = compile_triage(example("triage"), known)
    assert policy.notes == ()
    found = triage(policy, asked("Where is my payslip", providers=["provider:acme"]))
    assert (found.service, found.queue, sorted(found.barred)) == ("payroll", "team:people", ["provider:acme"])
    assert triage(policy, asked("Car park gate is broken", language="es")).answers[0].text.startswith("Llame")
