"""Watches a run to its end. Run with:

    pip install "python-socketio[client]" && python watch.py http://127.0.0.1:3000 TOKEN RUN_ID

After a reconnect it joins again with the last `seq` it saw, so that nothing is missed and nothing comes twice.
"""

import sys

import socketio

if len(sys.argv) != 4:
    sys.exit("usage: python watch.py URL TOKEN RUN_ID")
url, token, run_id = sys.argv[1:]
client = socketio.Client()
seen = {}


def joined(ack):
    if not ack["ok"]:
        print(f"{ack['error']['code']}: {ack['error']['message']}", file=sys.stderr)
        client.disconnect()
        return
    print(f"joined {ack['instanceID']}: {ack['status']}, {ack['seq']} rows so far")


@client.event
def connect():
    client.emit("workflow_run_join", {"runId": run_id, **seen}, callback=joined)


@client.event
def connect_error(data):
    print(f"refused: {data}", file=sys.stderr)


@client.on("workflow_node_update")
def node_update(update):
    seen["since"] = update["seq"]
    print(update["seq"], update["nodeID"], update["status"], update["output"], sep="\t")


@client.on("workflow_status_update")
def status_update(update):
    print(update["seq"], update["status"], update.get("error") or update["output"], sep="\t")
    client.disconnect()


client.connect(url, auth={"token": token})
client.wait()
