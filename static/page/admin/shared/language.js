/** The words of the operator's views, in the language that the page speaks. */
import { words as page } from "../../shared/language.js";
import english from "./words.js";

export const words = page.locale === "ru" ? (await import("./words.ru.js")).default : english;
