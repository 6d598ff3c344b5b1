"""Drives python-socketio for the tests: the same lines in and out as driver.mjs."""
import asyncio
import base64
import json
import logging
import os
import sys
import time

import socketio

sockets = {}
# a server that dies leaves sessions of aiohttp unclosed: not news here
logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def out(**fields):
    fields["at"] = int(time.time() * 1000)
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def pack(value):
    if isinstance(value, (bytes, bytearray)):
        return {"$bin": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [pack(v) for v in value]
    if isinstance(value, dict):
        return {k: pack(v) for k, v in value.items()}
    return value


def unpack(value):
    if isinstance(value, dict):
        if isinstance(value.get("$bin"), str):
            return base64.b64decode(value["$bin"])
        return {k: unpack(v) for k, v in value.items()}
    if isinstance(value, list):
        return [unpack(v) for v in value]
    return value


async def connect(c):
    name, nsp = c["id"], c.get("nsp", "/")
    last, resumes = {}, [c["resume"]] if "resume" in c else []

    def client():
        return sockets[name]["client"]

    async def send_out(event, args, ack):
        out(id=name, what="emit", event=event, args=pack(args))
        callback = (lambda *a: out(id=name, what="ack", event=event, args=pack(a))) if ack else None
        await client().emit(event, tuple(args), namespace=nsp, callback=callback)

    async def rejoin(r):
        await send_out(r["event"], [dict(r["payload"], since=last.get(r["payload"].get("runId"), 0))], True)

    async def resume(r):
        resumes.append(r)
        if nsp in client().namespaces:
            await rejoin(r)

    async def on_connect():
        out(id=name, what="connect", sid=client().get_sid(nsp), transport=client().transport())
        for r in list(resumes):
            await rejoin(r)

    def on_error(*args):
        data = args[0] if args else None
        if isinstance(data, dict):
            out(id=name, what="connect_error", message=data.get("message"), data=data.get("data"))
        else:
            out(id=name, what="connect_error", message=str(data), data=None)

    def on_any(event, *args):
        for a in args:
            if isinstance(a, dict) and isinstance(a.get("seq"), int):
                last[a.get("instanceID")] = max(a["seq"], last.get(a.get("instanceID"), 0))
        out(id=name, what="event", event=event, args=pack(args))

    async def open_up():
        new = socketio.AsyncClient(
            reconnection=c.get("reconnection", True), reconnection_delay=0.05, reconnection_delay_max=0.25
        )
        sockets[name] = {"client": new, "send_out": send_out, "resume": resume}
        new.on("connect", on_connect, namespace=nsp)
        new.on("connect_error", on_error, namespace=nsp)
        new.on("disconnect", lambda *a: out(id=name, what="disconnect", reason=a[0] if a else ""), namespace=nsp)
        new.on("*", on_any, namespace=nsp)
        try:
            await new.connect(
                c["url"], auth=c.get("auth") or {}, transports=c.get("transports"), namespaces=[nsp],
                headers=c.get("headers") or {}, wait_timeout=5, retry=c.get("retry", False),
            )
        except socketio.exceptions.ConnectionError as e:
            out(id=name, what="error", message=str(e))

    await open_up()
    dead = 0
    while c.get("retry") and "closed" not in sockets[name]:
        # For servers that die. python-socketio has moments in which a dying server leaves it waiting for ever: its
        # read loop ends with an exception inside an answer, or the end comes while it connects. An application
        # that must go on looks after it and makes a new client.
        await asyncio.sleep(0.2)
        eio = client().eio
        alive = eio.state == "connected" and eio.read_loop_task is not None and not eio.read_loop_task.done()
        dead = 0 if alive else dead + 1
        if dead > 10:
            out(id=name, what="stuck", state=eio.state)
            try:
                await asyncio.wait_for(client().shutdown(), 1)
            except Exception:  # noqa: S110: it ends as it began
                pass
            await open_up()
            dead = 0


async def carry_out(c):
    state = sockets.get(c["id"])
    if c["op"] == "connect":
        await connect(c)
    elif c["op"] == "emit":
        await state["send_out"](c["event"], unpack(c.get("args", [])), c.get("ack"))
    elif c["op"] == "resume":
        await state["resume"](c)
    elif c["op"] == "close":
        state["closed"] = True
        await state["client"].disconnect()
    elif c["op"] == "cut":
        # the transport breaks under the client; its own disconnect would be for good
        eio = state["client"].eio
        await (eio.ws if eio.transport() == "websocket" else eio.http).close()
    else:
        out(id=c["id"], what="error", message="unknown op " + c["op"])


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    out(id="", what="ready")
    tasks = set()
    while line := await reader.readline():
        if line.strip():
            command = json.loads(line)
            if command["op"] == "connect":
                # it waits for the server; other sockets go on
                task = asyncio.create_task(carry_out(command))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                await asyncio.sleep(0)
            else:
                try:
                    await carry_out(command)
                except Exception as e:
                    out(id=command["id"], what="error", message=repr(e))
    # no orderly end: the tests have seen what they want
    os._exit(0)


asyncio.run(main())
