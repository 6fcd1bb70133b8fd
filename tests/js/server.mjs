/** A real Notifier server, in a process of its own, with a fresh data folder. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PYTHON = process.env.PYTHON ?? path.join(ROOT, ".venv/bin/python");
const PASSWORD = "a password for tests";
const JSON_TYPE = { "Content-Type": "application/json" };
// A port that is still free after a restart, as one of the system's choice may not be.
const FREE_PORT = "from servers.ports import free_port; print(free_port())";

export class Server {
  port = Number(execFileSync(PYTHON, ["-c", FREE_PORT], { cwd: ROOT }));
  #settings;
  #folder;
  #process;
  #refresh;

  constructor(settings = {}) {
    this.#settings = settings;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async start() {
    this.#folder ??= await mkdtemp(path.join(tmpdir(), "notifier-"));
    this.#process = spawn(PYTHON, ["-m", "notifier"], {
      cwd: this.#folder,
      env: {
        PATH: process.env.PATH,
        PYTHONPATH: ROOT,
        NOTIFIER_PORT: String(this.port),
        NOTIFIER_DATA_DIR: path.join(this.#folder, "data"),
        NOTIFIER_ADMIN_PASSWORD: PASSWORD,
        NOTIFIER_DRAIN_SECONDS: "0",
        // Tests hold other connections too, so that they are taken for proxies.
        NOTIFIER_OPEN_SEND: "1",
        ...this.#settings,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface(this.#process.stdout)) {
      if (line.includes("running on http://")) return this;
    }
    throw new Error("The server did not start");
  }

  async stop() {
    if (this.#process.exitCode !== null) return;
    this.#process.kill("SIGTERM");
    await once(this.#process, "exit");
  }

  /** Stop for good and leave nothing behind. */
  async [Symbol.asyncDispose]() {
    await this.stop();
    await rm(this.#folder, { recursive: true });
  }

  async post(where, body) {
    const answer = await fetch(this.url + where, {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${where}: ${answer.status}`);
    return { ...(await answer.json()), cookie: answer.headers.get("Set-Cookie")?.split(";")[0] };
  }

  send(payload) {
    return this.post("/api/notifications/send/", { user_id: 1, payload });
  }

  async #tokens() {
    this.#refresh ??= (
      await this.post("/api/users/token/", { username: "admin", password: PASSWORD })
    ).refresh;
    return this.post("/api/users/token/refresh/", { refresh: this.#refresh });
  }

  /** A fresh identity token, the way an app's own back end gets it. */
  async identity() {
    return (await this.#tokens()).identity;
  }

  /** How many acknowledgements are stored. */
  async acks() {
    const headers = { Authorization: `Bearer ${(await this.#tokens()).access}` };
    return (await (await fetch(`${this.url}/api/stats/`, { headers })).json()).acks;
  }

  async signOutEverywhere() {
    const { cookie } = await this.post("/api/users/session/", { username: "admin", password: PASSWORD });
    await fetch(`${this.url}/api/users/session/everywhere/`, { method: "DELETE", headers: { cookie } });
  }
}

/** A network between client and server that can fall silent without closing anything. */
export class Network {
  #pairs = [];
  #server;

  constructor(port) {
    this.#server = net.createServer((client) => {
      const server = net.connect(port, "127.0.0.1");
      client.pipe(server).pipe(client);
      for (const end of [client, server]) end.on("error", () => {});
      this.#pairs.push([client, server]);
    });
  }

  async open() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** From now on nothing passes on the connections that are open. */
  fallSilent() {
    for (const [client, server] of this.#pairs) {
      client.unpipe(server);
      server.unpipe(client);
    }
  }

  get connections() {
    return this.#pairs.length;
  }

  [Symbol.dispose]() {
    this.#server.close();
    for (const end of this.#pairs.flat()) end.destroy();
  }
}
