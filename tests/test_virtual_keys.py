"""Foreign keys that no database declares: configured or inferred, they hold in clones as declared ones do."""

import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from dbclone.configuration import dump, load
from dbclone.errors import UsageError
from dbclone.options import VirtualKey
from dbclone.schema import Table
from dbclone.split_rows import joined_rows, split_rows
from dbclone.virtual_keys import declared, resolve, split, whole, with_keys
from tests.commands import dbclone
from tests.hand_made import build, schema_of

USERS, POSTS, PHOTOS, COMMENTS, VOTES = 60, 200, 100, 900, 300

BLOG = """
CREATE TABLE users (id INTEGER PRIMARY KEY, born INTEGER NOT NULL);
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, score INTEGER NOT NULL);
CREATE TABLE photos (id INTEGER PRIMARY KEY, owner_id INTEGER, width INTEGER NOT NULL);
CREATE TABLE comments (
  id INTEGER PRIMARY KEY, commentable_type VARCHAR(20) NOT NULL, commentable_id INTEGER NOT NULL,
  user_id INTEGER, parent_id INTEGER NOT NULL DEFAULT 0, likes INTEGER NOT NULL, CHECK (commentable_id > 0)
);
CREATE TABLE votes (
  user_id INTEGER NOT NULL, votable_type VARCHAR(20) NOT NULL, votable_id INTEGER NOT NULL, weight INTEGER NOT NULL,
  PRIMARY KEY (user_id, votable_type, votable_id)
);
"""

MEANT = (
    VirtualKey("comments", ("commentable_id",), "photos", ("id",), ("commentable_type", "Photo")),
    VirtualKey("comments", ("commentable_id",), "posts", ("id",), ("commentable_type", "Post")),
    VirtualKey("comments", ("parent_id",), "comments", ("id",), nothing="0"),
    VirtualKey("comments", ("user_id",), "users", ("id",)),
    VirtualKey("photos", ("owner_id",), "users", ("id",)),
    VirtualKey("posts", ("user_id",), "users", ("id",)),
    VirtualKey("votes", ("user_id",), "users", ("id",)),
    VirtualKey("votes", ("votable_id",), "photos", ("id",), ("votable_type", "Photo")),
    VirtualKey("votes", ("votable_id",), "posts", ("id",), ("votable_type", "Post")),
)
"""What the tables of the blog mean, by table and column."""

LOST = (
    "SELECT count(*) FROM comments WHERE commentable_type = 'Post' AND commentable_id NOT IN (SELECT id FROM posts)",
    "SELECT count(*) FROM comments WHERE commentable_type = 'Photo' AND commentable_id NOT IN (SELECT id FROM photos)",
    "SELECT count(*) FROM comments WHERE commentable_type NOT IN ('Post', 'Photo')",
    "SELECT count(*) FROM comments WHERE parent_id <> 0 AND parent_id NOT IN (SELECT id FROM comments)",
    "SELECT count(*) FROM comments WHERE user_id NOT IN (SELECT id FROM users)",
    "SELECT count(*) FROM photos WHERE owner_id NOT IN (SELECT id FROM users)",
    "SELECT count(*) FROM posts WHERE user_id NOT IN (SELECT id FROM users)",
    "SELECT count(*) FROM votes WHERE votable_type = 'Photo' AND votable_id NOT IN (SELECT id FROM photos)",
    "SELECT count(*) FROM votes WHERE votable_type = 'Post' AND votable_id NOT IN (SELECT id FROM posts)",
)
"""Queries that count rows that refer to nothing."""


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users, what they post, and comments and votes on that; photos have other ids than posts, comments on them more
    likes, and most comments answer none."""
    draw = random.Random(7)

    def target() -> tuple[str, int]:
        photo = draw.random() < 0.3
        return ("Photo", 1000 + draw.randrange(PHOTOS)) if photo else ("Post", 1 + draw.randrange(POSTS))

    comments = []
    for number in range(1, COMMENTS + 1):
        kind, referred = target()
        answered = draw.randrange(1, number) if number > 5 and draw.random() < 0.4 else 0
        likes = draw.randrange(20) + (100 if kind == "Photo" else 0)
        comments.append((number, kind, referred, draw.choice([None, 1 + draw.randrange(USERS)]), answered, likes))
    votes = {(1 + draw.randrange(USERS), *target()) for _ in range(VOTES)}
    rows = {
        "users": [(number, 1950 + draw.randrange(50)) for number in range(1, USERS + 1)],
        "posts": [(number, 1 + draw.randrange(USERS), draw.randrange(9)) for number in range(1, POSTS + 1)],
        "photos": [(1000 + n, draw.choice([None, 1 + draw.randrange(USERS)]), 640) for n in range(PHOTOS)],
        "comments": comments,
        "votes": [(*vote, draw.choice([-1, 1])) for vote in sorted(votes)],
    }
    return build(tmp_path_factory.mktemp("blog") / "blog.sqlite", BLOG, rows)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "dbclone.toml"
    path.write_text(dump(MEANT), encoding="utf-8")
    return path


def counts(path: Path, *queries: str) -> list[int]:
    connection = sqlite3.connect(path)
    found = [connection.execute(query).fetchone()[0] for query in queries]
    connection.close()
    return found


def test_what_tables_mean_is_proposed_with_evidence_and_as_a_configuration(blog: Path, tmp_path: Path) -> None:
    written = tmp_path / "proposed.toml"
    outcome = dbclone("inspect", "--json", "--write-config", written, blog)
    assert outcome.code == 0, outcome.err
    assert load(written) == MEANT
    proposed = {(p["table"], *p["columns"], p["parent"]): p for p in json.loads(outcome.out)["proposed_keys"]}
    photos = proposed["comments", "commentable_id", "photos"]
    real = counts(blog, *(f"SELECT count({what}) FROM comments WHERE commentable_type = 'Photo'"
                          for what in ("*", "DISTINCT commentable_id")))  # fmt: skip
    assert [photos["evidence"]["support"], photos["evidence"]["distinct"]] == real
    assert photos["evidence"]["coverage"] == 1.0
    assert photos["where"] == {"commentable_type": "Photo"}
    assert proposed["comments", "parent_id", "comments"]["nothing"] == "0"


def test_proposals_are_only_taken_when_asked(blog: Path) -> None:
    plain, inferred = (json.loads(dbclone("plan", "--json", *more, blog).out) for more in ([], ["--infer-keys"]))
    assert not any(table["references"] for table in plain["tables"])
    assert sum(len(table["references"]) for table in inferred["tables"]) == len(MEANT)


def test_a_clone_keeps_virtual_keys_of_every_kind(blog: Path, config: Path, tmp_path: Path) -> None:
    target = tmp_path / "clone.sqlite"
    outcome = dbclone("copy", "--config", config, blog, target)
    assert outcome.code == 0, outcome.err
    assert counts(target, *LOST) == [0] * len(LOST)
    shares = "SELECT avg(commentable_type = 'Photo') FROM comments", "SELECT avg(parent_id = 0) FROM comments"
    likes = "SELECT avg(likes >= 100) FROM comments WHERE commentable_type = 'Photo'"
    for real, made in zip(counts(blog, *shares), counts(target, *shares), strict=True):
        assert made == pytest.approx(real, abs=0.07)
    assert counts(target, likes)[0] > 0.9
    with sqlite3.connect(target) as connection:
        assert connection.execute("SELECT count(*) FROM pragma_foreign_key_list('comments')").fetchone() == (0,)
        [statement] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'comments'").fetchone()
    assert "commentable_id INTEGER NOT NULL" in statement
    assert dbclone("check", "--against", blog, "--config", config, target).code == 0


def test_a_fitted_model_keeps_them_and_another_product_has_them(
    blog: Path, tmp_path: Path, new_postgres: Callable[[], str]
) -> None:
    model, target = tmp_path / "blog.model", new_postgres()
    assert dbclone("fit", "--infer-keys", "-o", model, blog).code == 0
    outcome = dbclone("generate", model, target)
    assert outcome.code == 0, outcome.err
    with psycopg.connect(target) as connection:
        assert [connection.execute(query.encode()).fetchone() for query in LOST] == [(0,)] * len(LOST)


def test_a_warehouse_without_any_key_is_cloned_with_its_references(tmp_path: Path) -> None:
    draw, clone = random.Random(3), tmp_path / "clone.sqlite"
    days = [20230000 + 100 * month + day for month in range(1, 13) for day in range(1, 29)]
    source = build(
        tmp_path / "source.sqlite",
        """CREATE TABLE dim_customer (customer_key INTEGER, segment VARCHAR(9));
           CREATE TABLE dim_date (date_key INTEGER, month INTEGER);
           CREATE TABLE fact_sales (order_date_key INTEGER, customer_key INTEGER, amount INTEGER)""",
        {
            "dim_customer": [(key, draw.choice("abc")) for key in range(1, 101)],
            "dim_date": [(day, day // 100 % 100) for day in days],
            "fact_sales": [
                (draw.choice(days), draw.randrange(1, 101) if draw.random() > 0.1 else -1, draw.randrange(99))
                for _ in range(2000)
            ],
        },
    )  # fmt: skip
    outcome = dbclone("copy", "--infer-keys", source, clone)
    assert outcome.code == 0, outcome.err
    facts = (
        "SELECT count(*) - count(DISTINCT customer_key) FROM dim_customer",
        "SELECT count(*) - count(DISTINCT date_key) FROM dim_date",
        "SELECT count(*) FROM fact_sales WHERE order_date_key NOT IN (SELECT date_key FROM dim_date)",
        "SELECT count(*) FROM fact_sales WHERE max(customer_key, 1) NOT IN (SELECT customer_key FROM dim_customer)",
    )
    assert counts(source, *facts) == counts(clone, *facts) == [0, 0, 0, 0]
    none = "SELECT avg(customer_key = -1) FROM fact_sales"
    assert counts(clone, none)[0] == pytest.approx(counts(source, none)[0], abs=0.05)


def test_a_check_allows_the_source_s_share_of_orphans_and_no_more(tmp_path: Path) -> None:
    sql = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER NOT NULL)"
    parents = [(number,) for number in range(1, 11)]
    source, worse, config = tmp_path / "source.sqlite", tmp_path / "worse.sqlite", tmp_path / "keys.toml"
    build(source, sql, {"p": parents, "c": [(number, 1 + number % 11) for number in range(1, 111)]})
    build(worse, sql, {"p": parents, "c": [(number, 1 + number % 12) for number in range(1, 111)]})
    config.write_text(dump([VirtualKey("c", ("p",), "p")]), encoding="utf-8")
    assert dbclone("check", "--against", source, "--config", config, source).code == 0
    assert dbclone("check", "--against", source, "--config", config, worse).code == 11
    assert dbclone("check", "--config", config, source).code == 11
    assert dbclone("check", worse).code == 0
    clone = tmp_path / "clone.sqlite"
    outcome = dbclone("copy", "--config", config, source, clone)
    assert outcome.code == 0, outcome.err
    assert "10 rows of c(p) -> p refer to a row that does not exist" in outcome.out
    assert counts(clone, "SELECT count(*) FROM c WHERE p NOT IN (SELECT id FROM p)") == [0]


@pytest.mark.parametrize("given", ["--infer-keys", "--config"])
def test_an_audit_follows_them_from_the_entities_to_all_that_hangs_from_them(
    blog: Path, config: Path, given: str
) -> None:
    plain, keyed = (
        json.loads(dbclone("audit", "--json", "--unit", "users", *more, blog).out)
        for more in ((), (given, config) if given == "--config" else (given,))
    )
    degrees = {
        (shared["table"], *shared["columns"])
        for shared in keyed["figures"]["shared"] if shared["kind"] == "children per parent"
    }  # fmt: skip
    assert degrees >= {("posts", "user_id"), ("photos", "owner_id"), ("comments", "commentable_id[Photo]")}
    assert "children per parent" not in {shared["kind"] for shared in plain["figures"]["shared"]}


def test_a_comparison_follows_them_in_both_databases(blog: Path, config: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.sqlite"
    torn.write_bytes(blog.read_bytes())
    with sqlite3.connect(torn) as connection:
        connection.execute("UPDATE users SET born = 3899 - born")  # a table that is the same is not scored
        connection.execute("UPDATE comments SET user_id = 1 + user_id % 6")
    plain, keyed = (
        {table["table"]: table["clone"] for table in json.loads(outcome.out)["tables"]}
        for outcome in (dbclone("compare", "--json", *more, blog, torn) for more in ((), ("--config", config)))
    )
    assert plain["users"] == {**plain["users"], "aggregates": None, "joined": None}
    assert keyed["users"]["aggregates"] > 0.8, "six users wrote all comments"
    assert keyed["comments"]["joined"] is not None


def test_a_parent_that_a_virtual_key_requires_is_pulled_in(blog: Path, config: Path) -> None:
    outcome = dbclone("plan", "--json", "--config", config, "--exclude", "photos,votes,users", blog)
    assert outcome.code == 0, outcome.err
    planned = json.loads(outcome.out)
    assert {table["table"] for table in planned["tables"]} == {"comments", "photos", "posts", "users"}
    pulled = [finding["table"] for finding in planned["findings"] if finding["code"] == "pulled-in"]
    assert pulled == ["photos", "users"]


def test_the_ledger_says_what_they_are(blog: Path, config: Path) -> None:
    planned = json.loads(dbclone("plan", "--json", "--config", config, blog).out)
    lines = {line["name"]: line for line in planned["ledger"]}
    assert lines["comments.commentable_id"]["reason"] == "refers to the table that commentable_type names"
    key = lines["comments_commentable_id_Post_virtual on comments"]
    assert (key["kind"], key["fate"]) == ("virtual key", "kept by construction")
    assert "not created in the clone" in key["reason"]


def test_a_split_schema_leads_back_to_the_whole_one(blog: Path) -> None:
    schema = schema_of(blog)
    keyed = with_keys(schema, [resolve(schema, key) for key in MEANT])
    assert whole(split(keyed)) == keyed
    assert declared(split(keyed)) == schema
    votes = next(table for table in split(keyed).tables if table.name.name == "votes")
    assert votes.primary_key is None
    assert ("user_id", "votable_type", "votable_id[Post]") in [key.columns for key in votes.uniques]


def split_table(path: Path, name: str) -> Table:
    schema = schema_of(path)
    keyed = with_keys(schema, [resolve(schema, key) for key in MEANT])
    return next(table for table in split(keyed).tables if table.name.name == name)


def test_split_rows_are_joined_as_they_were_whatever_the_discriminator_says(blog: Path) -> None:
    """Values of which no key is known, and NULLs, stay what they are."""
    comments = split_table(blog, "comments")
    rows = pa.table({
        "id": [1, 2, 3, 4, 5],
        "commentable_type": ["Post", "Photo", "Invoice", None, "Post"],
        "commentable_id": [7, 1001, 5, 6, 8],
        "user_id": [1, None, 2, 3, 4],
        "parent_id": [0, 1, 0, 2, 4],
        "likes": [0, 0, 0, 0, 0],
    })  # fmt: skip
    apart = split_rows(comments, rows)
    assert apart.column("commentable_id[Post]").to_pylist() == [7, None, None, None, 8]
    assert apart.column("commentable_id[Photo]").to_pylist() == [None, 1001, None, None, None]
    assert apart.column("commentable_id").to_pylist() == [None, None, 5, 6, None]
    assert apart.column("parent_id").to_pylist() == [None, 1, None, 2, 4]
    assert joined_rows(comments, apart, seed=0).to_pylist() == rows.to_pylist()


def test_a_reference_that_was_not_found_is_lent_by_a_row_of_its_sort(blog: Path) -> None:
    comments = split_table(blog, "comments")
    lost = pa.array([None, None, None], pa.int64())
    apart = pa.table({
        "id": [1, 2, 3], "commentable_type": ["Post", "Post", "Photo"], "commentable_id": lost,
        "commentable_id[Photo]": pa.array([None, None, 1001]), "commentable_id[Post]": pa.array([7, None, None]),
        "user_id": lost, "parent_id": lost, "likes": [0, 0, 0],
    })  # fmt: skip
    joined = joined_rows(comments, apart, seed=0)
    assert joined.column("commentable_id").to_pylist() == [7, 7, 1001]
    assert joined.column("parent_id").to_pylist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[virtual_keys]\n", "is no TOML"),
        ("[virtual_keys]\ntable = 'a'\n", "write [[virtual_keys]] above each key"),
        ("[[virtual_key]]\n", "virtual_key is unknown. Did you mean virtual_keys?"),
        ("[[virtual_keys]]\ntable = 'posts'\nparent = 'users'\n", "entry 1: columns is missing"),
        ("[[virtual_keys]]\ntable = 'posts'\ncolumns = 7\nparent = 'users'\n", "columns: expected a name"),
        ("[[virtual_keys]]\ntable = 'post'\ncolumns = 'user_id'\nparent = 'users'\n", "there is no table post"),
        ("[[virtual_keys]]\ntable = 'posts'\ncolumns = 'user'\nparent = 'users'\n", "has no column user"),
        ("[[virtual_keys]]\ntable = 'posts'\ncolumns = 'id'\nparent = 'votes'\n", "votes has 3 key columns"),
        (
            "[[virtual_keys]]\ntable = 'comments'\ncolumns = 'commentable_type'\nparent = 'users'\n",
            "types that do not compare",
        ),
        (
            "[[virtual_keys]]\ntable = 'comments'\ncolumns = 'user_id'\nparent = 'users'\nnothing = 'none'\n",
            "holds whole numbers",
        ),
        (
            "[[virtual_keys]]\ntable = 'comments'\ncolumns = 'user_id'\nparent = 'users'\nwhere = { likes = 'many' }\n",
            "holds whole numbers",
        ),
    ],
)
def test_what_a_configuration_cannot_mean_is_said_in_a_sentence(
    text: str, said: str, blog: Path, tmp_path: Path
) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text(text, encoding="utf-8")
    outcome = dbclone("plan", "--config", config, blog)
    assert outcome.code == UsageError.exit_code
    assert said in outcome.sentence
