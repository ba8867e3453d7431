"""The page of workspaces: their rate limits and who uses them, their pauses, and what their pushes have proven."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from bridge.domain.polling.budget import Budget
from bridge.domain.polling.budget_usage import Usage, usage_of
from bridge.domain.rules.push_proof import PushProof, stretch_of
from bridge.domain.runbook import Section
from bridge.domain.times import Moment
from bridge.store.imports.budgets import BudgetSnapshot
from bridge.store.pushes.push_health import PushHealth, read_push_health
from bridge.web.console.visits import Visit, admin_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A problem of a workspace: in words, since when, and the section of the runbook that says what to do."""

    text: str
    section: Section
    since: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedType:
    """What the pushes of a type of import have shown."""

    name: str
    proof: PushProof
    factor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceView:
    """What the page shows of a workspace."""

    name: str
    base_url: str
    share: int
    """The percentage of the rate limit that is ours."""
    open_imports: int
    budget: Budget
    usage: Usage | None
    troubles: Sequence[Trouble]
    pushed: Sequence[PushedType]
    last_pushes: Mapping[str, Moment]
    receives_pushes: bool


@admin_page
async def show(visit: Visit) -> Response:
    return visit.page("workspaces.html", workspaces=await read_workspaces(visit))


async def read_workspaces(visit: Visit) -> Sequence[WorkspaceView]:
    """Return each workspace as it is now."""
    resources = visit.resources
    names = list(resources.rally)
    pushes = await read_push_health(resources.pushes, resources.push_proofs, names)
    return [_view(visit, name, await resources.budgets.read(name), pushes[name]) for name in names]


def _view(visit: Visit, name: str, snapshot: BudgetSnapshot, pushes: PushHealth) -> WorkspaceView:
    workspace = visit.resources.settings.workspaces[name]
    return WorkspaceView(
        name=name,
        base_url=workspace.base_url,
        share=round(workspace.budget_share * 100),
        open_imports=snapshot.open_imports,
        budget=snapshot.budget,
        usage=usage_of(snapshot.budget, snapshot.now, share=workspace.budget_share),
        troubles=troubles_of(snapshot.budget, pushes, snapshot.now),
        pushed=[
            PushedType(name=type_, proof=proof, factor=stretch_of(proof, snapshot.now).factor)
            for type_, proof in sorted(pushes.proofs.items())
        ],
        last_pushes=pushes.counts.last,
        receives_pushes=bool(workspace.webhook_secrets),
    )


def troubles_of(budget: Budget, pushes: PushHealth, now: Moment) -> Sequence[Trouble]:
    """Return what is wrong with a workspace, the worst first."""
    limit = "Rally's rate limit is used up (429)"
    if budget.limit is not None:
        limit += ": this bridge keeps to its share, so another program uses the rest"
    down_since = budget.failing_since or budget.breaker_open_since
    found = [
        (budget.key_refused_since, "Rally refuses the API key", Section.KEY_REFUSED),
        (budget.vanished_since, "Rally shows none of our imports any more", Section.IMPORTS_VANISHED),
        (down_since if budget.breaker_open else None, "Rally gives no usable answers", Section.RALLY_DOWN),
        (budget.over_limit_since if _is_over_limit(budget, now) else None, limit, Section.LIMIT_USED_UP),
    ]
    silent = [type_ for type_, proof in sorted(pushes.proofs.items()) if proof.silent]
    words = "Rally no longer pushes the ends of imports of the type {}, so rules do not hear of them"
    return [
        *(Trouble(text=text, since=since, section=section) for since, text, section in found if since is not None),
        *(Trouble(text=words.format(type_), section=Section.PUSH_SILENT) for type_ in silent),
    ]


def _is_over_limit(budget: Budget, now: Moment) -> bool:
    return now < budget.not_before and not budget.probes_only
