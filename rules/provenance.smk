# What is finished must prove that it is what the configuration asks for now; what can't is made anew,
# whatever Snakemake's dates and records say. Jobs need none of this: only who starts a run.
import traceback

from manifold_robustness import provenance
from manifold_robustness.errors import StoreError
from manifold_robustness.files.examined import Examined


def flat(found):
    """The paths among what a rule's input or output says."""
    if isinstance(found, str):
        return [str(found)]
    items = found.values() if isinstance(found, dict) else found
    return [path for item in items for path in flat(item)]


def planned(name, **coordinates):
    """A job of a rule, as Snakemake plans it."""
    wanted, wildcards = getattr(rules, name), Wildcards(fromdict=coordinates)
    given = {key: filled(value, wildcards) for key, value in wanted.params.items()}
    log = filled(str(wanted.log[0]), wildcards)
    files = (
        tuple(path for one in said for path in flat(filled(one, wildcards)))
        for said in (wanted.input, wanted.output)
    )
    return provenance.PlannedJob(name, *files, log, given)


def planned_jobs():
    """Every job that the configuration asks for, in the order of the flow."""
    for network in MODELS:
        start = "train_network" if network in TRAINED else "import_weights"
        yield planned(start, network=network)
        yield planned("evaluate_accuracy", network=network)
    for network in MODELS:
        yield planned("select_images", network=network)
        for condition in PERTURBED:
            yield planned("perturb_images", network=network, condition=condition)
    for network, condition in PLACES:
        place = {"network": network, "condition": condition}
        yield planned(EXTRACTION[network], **place)
        for layer in NETWORKS[network].analysed:
            yield planned("solve_geometry", **place, layer=layer)
    for network in MODELS:
        for level in CERTIFIED:
            yield planned(CERTIFICATION, network=network, condition=level)
    if CERTIFIED:
        yield planned("collect_certificates")
    yield planned("collect_accuracy")
    yield planned("collect_geometry")
    if EXPECTED:
        yield planned("compare_attacks")
    yield planned("verify_results")
    if len(MODELS) > 1:
        yield planned("compare_networks")
    if EXPERIMENT.repeated:
        yield planned("compare_trainings")
    if SEVERAL:
        yield planned("match_families")
    if JUDGED:
        yield planned("judge_claims")
    if PUBLISHED:
        yield planned("compare_published")
    yield planned("describe_run")
    for name, coordinates in FIGURE_JOBS:
        yield planned(name, **coordinates)
    yield planned("explore_run")
    if {"export_run", *rules.export_run.output} & {*sys.argv}:
        yield planned("export_run")


def writes_report():
    """Whether a report is asked for, which would take outdated results as they are."""
    return any(one.split("=")[0] == "--report" for one in sys.argv)


def limit_nothing():
    """Lift the default limit of jobs per second, which binds nobody and costs much.

    Where jobs per time span are limited, Snakemake 9.27 looks again a second after each look at what
    is ready. So every finished job adds one look a second to all that follow: after 300 jobs the
    driver takes half a core.
    """
    settings = workflow.scheduling_settings  # not there yet while the rules are read
    limit = settings and settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        settings.max_jobs_per_timespan = None


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
    limit_nothing()
    runs = workflow.executor_plugin is not None and not workflow.dryrun
    try:
        jobs, examined = list(planned_jobs()), Examined(f"{LOGS}/examined.json")
        dated = provenance.date_now(jobs) if runs else []
        stale = provenance.find_stale(jobs, examined)
        if runs:
            examined.save()
        for path in dated:
            print(f"Was dated in the future, and is dated now: {path}", file=sys.stderr)
        for line in provenance.describe(stale):
            print(line, file=sys.stderr)
        workflow.dag.forcefiles |= {one.path for one in stale}
        if stale and writes_report():
            sys.exit("Need results that are up to date for a report; run first.")
    except StoreError as error:
        sys.exit(f"\n{error}\n")
    except Exception as error:
        sys.exit("".join(traceback.format_exception(error)))
