"""A whole run on a folder of images whose classes have nasty names, seen in a real browser."""

import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from manifold_robustness.files.csv import read_table
from manifold_robustness.names import printable_names
from nasty import Server, find_browser, nasty_names, open_page, text_of

N_IMAGES = 24  # of each class, in eight by eight pixels
STRENGTHS = [0, 0.5, 2]

# Goes through the report as a reader would, and keeps what each click shows.
CLICKS = """
<script>
(async () => {
  const seen = [], wait = () => new Promise(done => setTimeout(done, 60));
  while (!app) await wait();
  for (const [path, result] of Object.entries(results)) {
    app.showResultInfo(path);
    await wait();
    seen.push(document.querySelector('#app').innerHTML);
    const kind = result.mime_type === 'text/html' ? 'html' : 'img';
    app.setView({content: kind, contentPath: result.data_uri});
    await wait();
  }
  const all = document.createElement('pre');
  all.id = 'seen';
  all.textContent = seen.join('\\n');
  document.body.append(all);
})();
</script>
"""


class Elements(HTMLParser):
    """Every element of a document, as (tag, attributes)."""

    def __init__(self, document):
        super().__init__()
        self.found = []
        self.feed(document)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def make_images(root, names):
    """Images of which a network can learn some: each class has a bright place of its own."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for k in range(N_IMAGES):
            pixels = rng.integers(0, 120, (8, 8), dtype=np.uint8)
            pixels.flat[5 * label : 5 * label + 5] = 255
            Image.fromarray(pixels).save(root / name / f"{k}.png")


def configure(config):
    config["data"] = {
        "name": "image_folder",
        "root": "pictures",
        "image_size": 8,
        "split_seed": 0,
        "validation_share": 0.25,
        "test_share": 0.5,
        "test_crop_padding": 0,
    }
    config["training"] |= {"epochs": 1, "min_accuracy": 0}
    config["images"] |= {"n_manifolds": len(nasty_names()), "correct_for": "none"}
    config["perturbations"] = [{"family": "gaussian", "strengths": STRENGTHS}]


def test_names_are_text_from_the_folder_to_the_browser(fresh):
    find_browser()
    with Server() as server:
        raw = nasty_names(server.host)
        shown = printable_names(raw)
        make_images(fresh.root / "pictures", raw)
        fresh.configure(configure)
        fresh.succeed()

        table = read_table(fresh.result("tables/geometry.csv"))
        assert list(dict.fromkeys(table["manifold"])) == shown
        written = fresh.result("tables/geometry.csv").read_text(encoding="utf-8")
        assert "'=1+1|cmd" in written and not re.search(r"(^|,)\"?[=@]", written, re.MULTILINE)
        for path in fresh.root.glob("results/**/*"):
            parts = str(path.relative_to(fresh.root))
            assert not any(name in parts for name in {*raw, *shown} - {"-2"})

        fresh.succeed("--report", "report.html", cores=1)
        page = fresh.root / "report.html"
        text = page.read_text(encoding="utf-8")
        head, end, tail = text.rpartition("</body>")
        page.write_text(head + CLICKS + end + tail, encoding="utf-8")
        document = open_page(page, fresh.root / "browser")

    assert "<title>Snakemake Report</title>" in document  # what a name's script would change
    assert server.asked == []
    seen = re.search(r'<pre id="seen">(.*?)</pre>', document, re.DOTALL)
    assert seen, "the clicks through the report did not come to their end"
    seen = text_of(seen[1])
    elements = Elements(seen).found
    assert len(elements) > 100
    for tag, attributes in elements:
        assert tag not in ("script", "object", "embed")
        assert not any(name.startswith("on") for name in attributes)
        assert not attributes.get("href", "").startswith(("http", "javascript"))
        assert attributes.get("src", "data:").startswith("data:")
    words = re.sub(r"\s+", " ", text_of(re.sub("<[^>]*>", "", seen)))
    mistaken = [name for name in shown if f"mistaken for {name} (" in words]
    assert f"The image of class {re.sub(' +', ' ', shown[0])} is recognised" in words
    assert mistaken
