# What is finished must prove that it is what the configuration asks for now; what can't is made anew,
# whatever Snakemake's dates and records say. Jobs need none of this: only who starts a run.
import traceback

from manifold_robustness import provenance
from manifold_robustness.errors import StoreError
from manifold_robustness.files.examined import Examined


def flat(found, wildcards):
    """The paths of a rule's input or output, as Snakemake fills them in."""
    if callable(found):
        found = found(wildcards)
    if isinstance(found, str):
        return [found.format(**wildcards)]
    items = found.values() if isinstance(found, dict) else found
    return [path for item in items for path in flat(item, wildcards)]


def planned(name, **coordinates):
    """A job of a rule, as Snakemake plans it."""
    wanted, wildcards = getattr(rules, name), Wildcards(fromdict=coordinates)
    given = {}
    for key, value in wanted.params.items():
        value = value(wildcards) if callable(value) else value
        given[key] = value.format(**wildcards) if isinstance(value, str) else value
    log = str(wanted.log[0]).format(**wildcards)
    files = (tuple(flat(one, wildcards)) for one in (wanted.input, wanted.output))
    return provenance.PlannedJob(name, *files, log, given)


def planned_jobs():
    """Every job that the configuration asks for, in the order of the flow."""
    for network in NETWORKS:
        start = "train_network" if network in TRAINED else "import_weights"
        yield planned(start, network=network)
        yield planned("evaluate_accuracy", network=network)
    for network in NETWORKS:
        yield planned("select_images", network=network)
        for condition in PERTURBED:
            yield planned("perturb_images", network=network, condition=condition)
        for condition in CONDITIONS:
            place = {"network": network, "condition": condition}
            yield planned(EXTRACTION[network], **place)
            for layer in NETWORKS[network].analysed:
                yield planned("solve_geometry", **place, layer=layer)
    yield planned("collect_accuracy")
    yield planned("collect_geometry")
    yield planned("verify_results")
    if len(NETWORKS) > 1:
        yield planned("compare_networks")
    if GAUSSIAN:
        yield planned("judge_claims")
    if PUBLISHED:
        yield planned("compare_published")
    yield planned("describe_run")
    for name, coordinates in FIGURE_JOBS:
        yield planned(name, **coordinates)


PROVEN = []  # whether it was asked for: once is enough


def prove_finished():
    """Have Snakemake run the jobs whose files are not what the configuration asks for.

    The input functions of the first stage call it: every graph of jobs begins there, and is not yet
    judged when they are asked. An exception there counts for Snakemake as "no job makes this file",
    which would then be taken as it is; so whatever goes wrong ends the process.
    """
    if PROVEN or not workflow.is_main_process:
        return
    PROVEN.append(True)
    try:
        jobs, examined = list(planned_jobs()), Examined(f"{LOGS}/examined.json")
        dated = [] if workflow.dryrun else provenance.date_back(jobs)
        stale = provenance.find_stale(jobs, examined)
        if not workflow.dryrun:
            examined.save()
    except StoreError as error:
        sys.exit(f"\n{error}\n")
    except Exception as error:
        sys.exit("".join(traceback.format_exception(error)))
    for path in dated:
        print(f"Was dated in the future, and is dated now: {path}", file=sys.stderr)
    for line in provenance.describe(stale):
        print(line, file=sys.stderr)
    workflow.dag.forcefiles.update(one.path for one in stale)
