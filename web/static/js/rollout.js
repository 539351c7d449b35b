// The rollout page: live figures.
import { follow } from "./live.js";

follow(document.querySelector("[data-live]"));
