// Who wants to use the phone? The form for name and password, and the door for guests.
import { byId } from "./dom";
import { keepUser, keptUser } from "./identity";
import type { Account } from "./phone";
import { Signal } from "./signal";

export class SignIn {
  readonly account = new Signal<Account>();
  readonly guest = new Signal<void>();

  private readonly panel = byId("signin", HTMLElement);
  private readonly user = byId("user", HTMLInputElement);
  private readonly password = byId("password", HTMLInputElement);
  private readonly displayName = byId("display-name", HTMLInputElement);
  private readonly guestPart = byId("guest-part", HTMLElement);

  constructor(guests: boolean) {
    this.guestPart.hidden = !guests;
    byId("guest", HTMLButtonElement).addEventListener("click", () => this.guest.emit());
    byId("signin-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const user = this.user.value.trim();
      if (user === "") return this.user.focus();
      keepUser(user);
      const displayName = this.displayName.value.trim();
      this.account.emit({ user, password: this.password.value, displayName });
    });
  }

  show(): void {
    this.panel.hidden = false;
    if (this.user.value === "") this.user.value = keptUser();
    this.password.value = "";
    (this.user.value === "" ? this.user : this.password).focus();
  }

  hide(): void {
    this.panel.hidden = true;
  }
}
