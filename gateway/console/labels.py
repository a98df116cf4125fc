"""The canonical words as people read them, and how each looks. Marked here, translated where shown."""

from __future__ import annotations

from gateway.console.words import N_

KIND = {"incident": N_("Incident"), "request": N_("Service request"), "problem": N_("Problem")}
STATUS = {
    "new": N_("New"),
    "in_progress": N_("In progress"),
    "pending_requester": N_("Waiting for requester"),
    "pending_provider": N_("Waiting for provider"),
    "pending_problem": N_("Waiting for problem"),
    "resolved": N_("Resolved"),
    "closed": N_("Closed"),
    "cancelled": N_("Cancelled"),
}
STATUS_LOOK = {
    "new": "new",
    "in_progress": "work",
    "pending_requester": "wait",
    "pending_provider": "wait",
    "pending_problem": "wait",
    "resolved": "done",
    "closed": "over",
    "cancelled": "over",
}
LEVEL = {"high": N_("High"), "medium": N_("Medium"), "low": N_("Low")}
PRIORITY = {
    "P1": N_("Critical"),
    "P2": N_("High"),
    "P3": N_("Medium"),
    "P4": N_("Low"),
    "P5": N_("Planning"),
}
RESOLUTION = {
    "solved": N_("Solved"),
    "workaround": N_("Workaround"),
    "known_error": N_("Known error"),
    "duplicate": N_("Duplicate"),
    "by_requester": N_("By the requester"),
    "user_error": N_("User error"),
    "declined": N_("Declined"),
}
CATEGORY = {
    "inquiry": N_("Inquiry"),
    "software": N_("Software"),
    "hardware": N_("Hardware"),
    "network": N_("Network"),
}
FIELD = {
    "title": N_("Title"),
    "description": N_("Description"),
    "kind": N_("Kind"),
    "status": N_("Status"),
    "resolution_code": N_("Resolution"),
    "resolution_text": N_("Resolution text"),
    "impact": N_("Impact"),
    "urgency": N_("Urgency"),
    "priority": N_("Priority"),
    "category": N_("Category"),
    "subcategory": N_("Subcategory"),
    "service": N_("Service"),
    "assets": N_("Assets"),
    "requester": N_("Requester"),
    "assignee": N_("Assignee"),
    "group": N_("Group"),
    "due": N_("Due"),
    "tags": N_("Tags"),
    "holder": N_("Holder"),
    "channel": N_("Channel"),
    "custom.provider_group": N_("Provider's group"),
}
ROLE = {
    "admin": N_("Administrator"),
    "agent": N_("Agent"),
    "auditor": N_("Auditor"),
    "provider": N_("Provider"),
    "requester": N_("Requester"),
}
LINK_ROLE = {
    "holder": N_("has the ticket"),
    "helper": N_("helps"),
    "ended": N_("ended"),
    "found": N_("found there"),
    "copy": N_("a copy of one of ours"),
    "guest": N_("brought it, and works on it here"),
}
LINK_STATE = {
    "live": N_("live"),
    "gone": N_("record is gone"),
    "merged": N_("merged into another"),
    "left": N_("left our view"),
}
DELIVERY_KIND = {
    "create": N_("New record"),
    "update": N_("Update"),
    "comment": N_("Comment"),
    "attachment": N_("File"),
    "worklog": N_("Worklog"),
    "download": N_("Download"),
}
ARRIVAL_KIND = {"webhook": N_("Webhook"), "poll": N_("Poll"), "fetch": N_("Fetch"), "mail": N_("E-mail")}
ARRIVAL_STATE = {
    "waiting": N_("waiting"),
    "done": N_("worked off"),
    "dead": N_("not understood"),
    "withdrawn": N_("withdrawn"),
    "held": N_("held"),
}
DELIVERY_STATE = {
    "waiting": N_("waiting"),
    "sent": N_("sent"),
    "done": N_("sent"),
    "dead": N_("refused"),
    "withdrawn": N_("withdrawn"),
    "held": N_("held"),
}
FIELD_STATE = {
    "owed": N_("not yet written there"),
    "ask": N_("conflict: a person decides"),
    "held": N_("their value means nothing to us yet"),
    "ignored": N_("left as it was there"),
    "unseen": N_("not seen there yet"),
}
CONNECTION_STATE = {
    "active": N_("Active"),
    "paused": N_("Paused"),
    "unauthorized": N_("Credentials refused"),
    "regressed": N_("Set back"),
}
OUTCOME = {
    "ok": N_("ok"),
    "refused": N_("refused"),
    "retry": N_("try again"),
    "unknown": N_("no answer"),
    "ghost": N_("no answer, may still land"),
    "stale": N_("changed there meanwhile"),
    "unauthorized": N_("credentials refused"),
    "gone": N_("gone"),
    "unsupported": N_("not supported"),
    "exhausted": N_("given up"),
    "found": N_("found"),
    "absent": N_("not there"),
}
BREAKER = {"closed": N_("Closed"), "open": N_("Open"), "half": N_("Half open")}
POLICY = {
    "calendars": N_("Calendars and on-call"),
    "triage": N_("Triage and catalogue"),
    "routing": N_("Who gets a ticket"),
    "targets": N_("Times promised"),
    "escalation": N_("Escalation matrix"),
}
CLIENTELE = {"employee": N_("employees"), "customer": N_("customers")}
DECISION = {
    "triage": N_("Triage"),
    "routing": N_("Routing"),
    "hours": N_("Outside of hours"),
    "escalation": N_("Escalation"),
    "take_back": N_("Taking back"),
    "override": N_("Decided otherwise"),
    "promise": N_("Promise"),
}
DECIDED = {
    "incident": N_("an incident"),
    "request": N_("a service request"),
    "problem": N_("a problem"),
    "out_of_scope": N_("not supported here"),
    "chaser": N_("a question about an open ticket"),
    "unverified": N_("nobody knows the sender yet"),
    "wait": N_("waits until the next opening"),
    "call": N_("call %(who)s"),
    "inform": N_("inform %(who)s"),
    "shorter than usual": N_("shorter than usual, by %(who)s"),
    "as usual": N_("as usual, by %(who)s"),
}
"""What was decided where it is no holder; what follows the word goes in as ``who``."""

CLOCK = {
    "acknowledge": N_("Acknowledgement"),
    "reply": N_("First useful reply"),
    "requester_wait": N_("Solution"),
    "agent_work": N_("Work of our own desk"),
    "provider_ack": N_("Provider's acknowledgement"),
    "provider_resolve": N_("Provider's solution"),
    "update_cadence": N_("Next update"),
}
STANDING = {
    "running": N_("running"),
    "paused": N_("rests"),
    "fulfilled": N_("met"),
    "breached": N_("missed"),
    "cancelled": N_("not waited for any more"),
}
STANDING_LOOK = {"running": "badge-blue", "paused": "badge-yellow", "fulfilled": "badge-green", "breached": "badge-red"}
RESTS = {
    "requester": N_("the requester's answer"),
    "provider": N_("the provider"),
    "problem": N_("the problem behind it"),
    "change": N_("the change that solves it"),
    "resolved": N_("nothing: it is solved"),
}
NOTICE = {
    "ignored": N_("Left as it was"),
    "altered": N_("Altered"),
    "refused": N_("Refused"),
    "held": N_("Held"),
    "gone": N_("Record gone"),
    "left": N_("Moved away"),
    "merged": N_("Merged"),
    "drift": N_("Drift"),
    "placeholder": N_("Placeholder"),
    "dead": N_("Given up"),
    "unsaid": N_("Not shared"),
    "withheld": N_("Withheld"),
    "note": N_("Note"),
    "rule": N_("Rule"),
    "regressed": N_("Set back"),
    "doubled": N_("Perhaps twice"),
    "unauthorized": N_("Credentials refused"),
    "unsupported": N_("Not supported"),
    "catalogue": N_("Their lists changed"),
    "escalation": N_("Escalation"),
    "returned": N_("Given back without work"),
    "late": N_("Heard after the end"),
    "sla_breach": N_("Time is over"),
    "sla_warning": N_("Time is running out"),
    "stuck": N_("Stuck"),
    "longer": N_("Longer than usual"),
    "on_call": N_("Call"),
    "chaser": N_("Asked again"),
    "clock": N_("Not done in time"),
}
VERB = {
    "create": N_("opened the ticket"),
    "edit": N_("changed the ticket"),
    "comment": N_("commented"),
    "attach": N_("attached a file"),
    "worklog": N_("logged time"),
    "escalate": N_("escalated the ticket"),
    "take_back": N_("took the ticket back"),
    "resolve": N_("decided a conflict"),
    "heal": N_("wrote ours again"),
    "remap": N_("took another version of its mapping"),
    "replayed": N_("sent again what had been refused"),
    "released": N_("let the deliveries go on"),
    "notice_closed": N_("ticked off a notice"),
    "synced": N_("changed it there"),
    "delivered": N_("answered"),
    "linked": N_("made the record"),
    "hinted": N_("said that something happened"),
    "changed": N_("changed the ticket"),
    "clock": N_("did what was due"),
    "stuck": N_("said that this is stuck"),
    "chase": N_("asked how it stands"),
    "returned": N_("gave it back without work"),
}
SURPRISE = {
    "seen_by_more": N_("More people would read something"),
    "creates": N_("A record or ticket would be made"),
    "closes": N_("The ticket would be closed"),
    "reopens": N_("The ticket would be reopened"),
    "clears": N_("A field would be emptied"),
    "holds": N_("A value would mean nothing any more"),
    "more_writes": N_("More would be written"),
    "ours": N_("Our ticket would differ"),
    "theirs": N_("Their record would differ"),
    "text": N_("Only words would differ"),
}
COUNTED = {
    "creates": N_("Records made"),
    "imports": N_("Tickets taken in"),
    "updates": N_("Updates"),
    "resolves": N_("Tickets resolved"),
    "closes": N_("Tickets closed"),
    "reopens": N_("Tickets reopened"),
    "clears": N_("Fields emptied"),
    "comments": N_("Comments"),
    "files": N_("Files"),
    "holds": N_("Values held"),
    "conflicts": N_("Conflicts"),
}
TABLES = {
    "surprise": SURPRISE,
    "counted": COUNTED,
    "kind": KIND,
    "status": STATUS,
    "impact": LEVEL,
    "urgency": LEVEL,
    "category": CATEGORY,
    "resolution_code": RESOLUTION,
    "field": FIELD,
    "role": ROLE,
    "link_role": LINK_ROLE,
    "link_state": LINK_STATE,
    "delivery_kind": DELIVERY_KIND,
    "arrival_kind": ARRIVAL_KIND,
    "arrival_state": ARRIVAL_STATE,
    "delivery_state": DELIVERY_STATE,
    "field_state": FIELD_STATE,
    "connection_state": CONNECTION_STATE,
    "breaker": BREAKER,
    "outcome": OUTCOME,
    "decision": DECISION,
    "decided": DECIDED,
    "clientele": CLIENTELE,
    "policy": POLICY,
    "clock": CLOCK,
    "standing": STANDING,
    "rests": RESTS,
    "notice": NOTICE,
    "verb": VERB,
    "priority_word": PRIORITY,
}
REFUSALS = (
    N_("address and password do not belong together"),
    N_("too many tries"),
    N_("Try again."),
    N_("nobody can sign in at the moment"),
    N_("Try again in a minute."),
    N_("You are signed out."),
    N_("this page is too old"),
    N_("this page is too old or not ours"),
    N_("Reload it and try again."),
    N_("your role does not allow this"),
    N_("Ask an admin for a role that may."),
    N_("no such ticket"),
    N_("Not Found"),
    N_("this conflict is not open (any more)"),
    N_("reload the ticket"),
    N_("look at the new value and decide again"),
)
"""What is refused most often, said elsewhere."""
SAID = (
    N_("Not enough data for a difference: %(sides)s take about equally long, as far as can be told."),
    N_(
        "%(best)s solves such tickets faster: half within %(median)s (n = %(n)d), with %(other)s within "
        "%(other_median)s (n = %(other_n)d)."
    ),
    N_(
        "%(best)s solves such tickets faster: half within %(median)s (n = %(n)d), with %(other)s most are still open "
        "(n = %(other_n)d)."
    ),
    N_(
        "But %(best)s reopens more: %(hits)d of its %(n)d solutions did not hold, with %(other)s %(other_hits)d of "
        "%(other_n)d."
    ),
    N_(
        "But requesters are less content with %(best)s: %(hits)d of %(n)d were satisfied, with %(other)s "
        "%(other_hits)d of %(other_n)d."
    ),
    N_("But %(best)s costs more: half of such tickets more than %(cost)d, with %(other)s %(other_cost)d."),
    N_("But %(best)s is full: %(load)s hours of work wait for each hour it has in a week."),
)
"""The sentences of ``insight.recommend``, which are put together there."""
NEXT = (
    N_("%(to)s is asked to help and gets the ticket when it answers (%(rule)s)"),
    N_("%(to)s gets the ticket (%(rule)s)"),
    N_("%(roles)s will know (%(rule)s)"),
    N_("if %(who)s has not answered by then, %(to)s gets the ticket"),
    N_("if nobody has taken it by then, %(roles)s will know"),
)
"""What happens by itself, as ``decide.escalation`` says it."""
