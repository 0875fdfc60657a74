# Creates, reads and deletes jobs with nothing but the generated client. What it says is compared.
import os
import ssl

from generated_client import Client
from generated_client.api.jobs import flush, list_, run, show
from generated_client.models import JobView, Phase, RunRequest, RunRequestForm

keys = os.environ["HOME"] + "/.toolskube/client"
tls = ssl.create_default_context(cafile=os.environ["CA"])
tls.load_cert_chain(keys + ".crt", keys + ".key")
client = Client(
    base_url=os.environ["SERVER"],
    verify_ssl=tls,
    timeout=90,
    # An answer that the document does not know ends the program.
    raise_on_unexpected_status=True,
)


def names(answer):
    return sorted(job.name for job in answer)


hello = RunRequest(name="hello", cmd="true", imagename="tf-busybox")
created = run.sync_detailed(client=client, body=hello, idempotency_key="one")
job = created.parsed
print(created.status_code.value, job.job_type.value, job.name)

looks = 0
while True:
    shown = show.sync_detailed(job.name, client=client, wait=30, uid=job.uid)
    assert isinstance(shown.parsed, JobView) and isinstance(shown.parsed.status.phase, Phase), shown
    looks += 1
    if shown.parsed.status.phase != Phase.PENDING and shown.parsed.status.phase != Phase.RUNNING:
        break
    assert looks < 5, shown
print(shown.status_code.value, shown.parsed.status.phase.value, shown.parsed.status.exit_code)

listed = list_.sync_detailed(client=client)
print(names(listed.parsed))
print(list_.sync_detailed(client=client, if_none_match=listed.headers["etag"]).status_code.value)

bot = RunRequest(name="bot", cmd="sleep 600", imagename="tf-busybox", continuous=True)
run.sync(client=client, body=bot)
taken = run.sync_detailed(client=client, body=bot)
print(taken.status_code.value, taken.parsed.type_)
absent = show.sync_detailed("absent", client=client)
print(absent.status_code.value, absent.parsed.type_)
flush_names = flush.sync(client=client).deleted
assert sorted(flush_names) == ["bot", "hello"], flush_names

form = RunRequestForm(name="by-form", cmd="true", imagename="tf-busybox", schedule="@daily")
created = run.sync_detailed(client=client, body=form)
print(created.status_code.value, created.parsed.job_type.value, created.parsed.name)
run.sync(client=client, body=hello)
print(names(list_.sync(client=client)))
flush.sync(client=client)
print(names(list_.sync(client=client)))
