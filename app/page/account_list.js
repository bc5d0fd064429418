// The list of accounts, with what an admin can do to each.
const ROLES = ["reader", "lead", "admin"];
const $ = (id) => document.getElementById(id);

export function renderAccounts(accounts, by, act) {
  const kept = document.activeElement?.dataset?.key;
  $("rows").replaceChildren(...accounts.map((account) => rowOf(account, by, act)));
  $("none").hidden = accounts.length > 0;
  if (kept) [...document.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === kept)?.focus();
}

function rowOf(account, by, act) {
  const row = made("tr", { className: account.disabled ? "disabled" : "" });
  const name = made("th", { textContent: account.name, scope: "row" });
  if (account.own) name.append(made("small", { textContent: " you" }));
  row.append(
    name,
    roleOf(account, act),
    made("td", { textContent: stateOf(account, by) }),
    doing(account, by, act),
  );
  return row;
}

function roleOf({ name, role, own }, act) {
  const choice = made("select", { disabled: own });
  choice.dataset.key = `role ${name}`;
  choice.setAttribute("aria-label", `Role of ${name}`);
  choice.append(...ROLES.map((value) => made("option", { value, textContent: value })));
  choice.value = role;
  choice.onchange = () =>
    act(name, "account_role", { role: choice.value }, `${name} is ${choice.value} now.`);
  const cell = made("td");
  cell.append(choice);
  return cell;
}

function stateOf({ has_password: password, disabled, links, signed_in: browsers }, by) {
  if (disabled) return "deactivated";
  if (by === "proxy") return "by your site's sign-in";
  const parts = [password ? "with a password" : "no password yet"];
  if (links) parts.push(links === 1 ? "1 valid link" : `${links} valid links`);
  if (browsers) parts.push(browsers === 1 ? "signed in at 1 browser" : `signed in at ${browsers} browsers`);
  return parts.join(", ");
}

function doing(account, by, act) {
  const { name, disabled, own } = account;
  const cell = made("td", { className: "doing" });
  const add = (words, label, work) => {
    const button = made("button", { textContent: words, className: "flat", onclick: work });
    button.dataset.key = `${words} ${name}`;
    button.setAttribute("aria-label", label);
    cell.append(button);
  };
  if (disabled) {
    add("activate", `Activate ${name}`, () => act(name, "account_enable", {}, `${name} can sign in again.`));
    return cell;
  }
  if (by !== "proxy") {
    add("personal link", `Personal link for ${name}`, () =>
      act(name, "account_link", {}, `A link that signs ${name} in once.`),
    );
    if (!own)
      add("reset password", `Reset the password of ${name}`, async () => {
        const words = `The password of ${name} ends, and every sign-in and link of theirs. You get a link by which they choose another.`;
        if (await sure(words, "Reset"))
          act(name, "account_reset", {}, `${name} chooses a password by the link.`);
      });
  }
  if (!own)
    add("deactivate", `Deactivate ${name}`, async () => {
      const words = `${name} is signed out everywhere and can no longer sign in; links end, readings stay.`;
      if (await sure(words, "Deactivate")) act(name, "account_disable", {}, `${name} can no longer sign in.`);
    });
  return cell;
}

function sure(words, yes) {
  // Whether the admin means it.
  const dialog = $("sure");
  $("sure-words").textContent = words;
  $("sure-yes").textContent = yes;
  return new Promise((answer) => {
    $("sure-yes").onclick = () => dialog.close("yes");
    $("sure-no").onclick = () => dialog.close("");
    dialog.onclose = () => answer(dialog.returnValue === "yes");
    dialog.returnValue = "";
    dialog.showModal();
    $("sure-no").focus();
  });
}

function made(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}
