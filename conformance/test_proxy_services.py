"""Many services behind the recording proxy: moto, driven by boto3. What comes back is what comes back without the proxy,
and each call has one record that says what it should, field by field."""

import re

import pytest

from proxy_calls import CALLS, NEVER
from proxy_record import Made, faults
from proxy_setup import DATA_TYPES, Moto, Recorder, client, watch

REGION = "eu-west-1"
SEED = 20261130
# Headers that belong to a connection, or to the moment.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server"}
# Headers that tell of a body, and differ where it does.
OF_THE_BODY = ("content-length", "etag", "x-amz-crc32")
# What cannot be equal in two runs: instants in the forms that services write them, ports of this machine, and what moto makes
# with chance that its seed does not govern: key material and what is derived from it.
MOMENTS = [
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?", rb"\b\d{10}(?:\.\d+)?\b", rb"\b\d{13}\b", rb"\d{8}T\d{6}Z",
    rb"\d{4}-\d\d-\d\d-\d\d-\d\d",
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", rb"(?:127\.0\.0\.1|localhost):\d+",
    rb"-----BEGIN[^-]*-----[^-]*-----END[^-]*-----", rb"(?:[0-9a-f]{2}:){15,19}[0-9a-f]{2}", rb"<SessionToken>[^<]*</SessionToken>",
]
# Answers whose values come of chance that moto does not seed; their members and lengths are compared.
BY_CHANCE = {"Encrypt", "Decrypt", "GenerateDataKey", "GenerateRandom"}


def normal(body):
    for pattern in MOMENTS:
        body = re.sub(pattern, b"*", body)
    return body


def seen_from_outside(made):
    exchange = made.exchange
    headers = {name.lower(): value for name, value in exchange.headers.items() if name.lower() not in HOP_BY_HOP}
    body = normal(exchange.body)
    if made.call.operation in BY_CHANCE:
        body = re.sub(rb'"[A-Za-z0-9+/=]{16,}"', b'"*"', body)
    if body != exchange.body:
        for name in OF_THE_BODY:
            headers.pop(name, None)
    return exchange.status, {name: normal(value.encode()) for name, value in headers.items()}, body


def make_all(url):
    """Makes all calls, one after the other."""
    clients, exchanges, seen, made = {}, {}, {}, []
    for call in CALLS:
        if call.service not in clients:
            clients[call.service] = client(call.service, url, REGION)
            exchanges[call.service] = watch(clients[call.service])
        made.append(Made(call, clients[call.service], seen, exchanges[call.service]))
    return made


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The calls made of a moto directly, and of another one through the proxy, and the records of those."""
    folder = tmp_path_factory.mktemp("services")
    motos = [Moto(folder), Moto(folder)]
    for moto in motos:
        moto.seed(SEED)
    server = Recorder(folder / "trailkeep", {"aws": motos[1].url}).start().keep_everything(DATA_TYPES)
    direct = make_all(motos[0].url)
    proxied = make_all(server.proxy("aws"))
    yield direct, proxied, server
    server.kill()
    for moto in motos:
        moto.stop()


@pytest.fixture(scope="module")
def records(runs):
    _, proxied, server = runs
    return server.await_ids({made.exchange.request_id: f"{made.call.service} {made.call.operation}" for made in proxied})


def test_the_table_is_as_wide_as_it_should_be():
    assert len({(call.service, call.operation) for call in CALLS}) >= 200
    assert len({call.service for call in CALLS}) >= 15


def test_answers_are_what_they_are_without_the_proxy(runs):
    direct, proxied, _ = runs
    different = []
    for one, other in zip(direct, proxied, strict=True):
        expected, found = seen_from_outside(one), seen_from_outside(other)
        if expected != found:
            different.append(f"{one.call.service} {one.call.operation}: {expected}\n  through the proxy: {found}")
    assert not different, "\n".join(different[:10])


def test_each_call_has_one_record_that_says_what_it_should(runs, records):
    _, proxied, _ = runs
    wrong = []
    for made in proxied:
        text, record = records[made.exchange.request_id]
        told = list(faults(made, text, record, REGION))
        if told:
            wrong.append(f"{made.call.service} {made.call.operation}:\n    " + "\n    ".join(told))
    assert not wrong, f"{len(wrong)} of {len(proxied)} records:\n" + "\n".join(wrong)


def test_no_record_tells_a_secret_or_content(runs, records):
    _, _, server = runs
    for text in server.texts():
        for secret in NEVER:
            assert secret not in text, (secret, text)


def test_no_two_records_share_an_id(runs, records):
    _, _, server = runs
    ids = [record["eventID"] for record in server.records()]
    assert len(ids) == len(set(ids))


def test_management_events_are_found_by_lookup_and_data_events_are_not(runs, records):
    _, proxied, server = runs
    found = set()
    for region in (REGION, "us-east-1"):
        pages = server.client("cloudtrail", region).get_paginator("lookup_events").paginate()
        found |= {event["EventId"] for page in pages for event in page["Events"]}
    for made in proxied:
        record = records[made.exchange.request_id][1]
        assert (record["eventID"] in found) is not made.call.data, record
