/** Who looks has to say who he is: a user of the cluster's, with his password. Neither is kept by the page. */
import { useState } from 'preact/hooks';
import { change } from './server.ts';

export function Login({ done, ended }: { readonly done: () => void; readonly ended: string | null }) {
  const [problem, setProblem] = useState(ended === null ? '' : `You were logged out: ${ended}.`);
  const [isBusy, setBusy] = useState(false);
  const logIn = (form: HTMLFormElement): void => {
    const given = new FormData(form);
    const what = { user: String(given.get('user')), password: String(given.get('password')) };
    setBusy(true);
    change('/api/log-in', what).then(done, (error: unknown) => {
      setBusy(false);
      setProblem(error instanceof Error ? error.message : String(error));
    });
  };
  return (
    <main>
      <form
        class="login card"
        onSubmit={(event) => {
          event.preventDefault();
          logIn(event.currentTarget);
        }}
      >
        <h1>Odradek</h1>
        <p>This cluster asks who you are. You see and do here what it lets that user see and do.</p>
        <label>
          user <input name="user" autocomplete="username" required />
        </label>
        <label>
          password <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit" disabled={isBusy}>
          log in
        </button>
        <p class="bad" role="alert">
          {problem}
        </p>
      </form>
    </main>
  );
}
