// The page of the welcome message: the card it would begin with.
import { cards } from "./card.js";

document.querySelectorAll("[data-teams]").forEach(cards);
