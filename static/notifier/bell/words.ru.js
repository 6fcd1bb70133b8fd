/** Все слова колокольчика по-русски. */

const rules = new Intl.PluralRules("ru");

/** @param {number} count @param {string} one @param {string} few @param {string} many */
function plural(count, one, few, many) {
  const form = { one, few }[/** @type {string} */ (rules.select(count))] ?? many;
  return `${count.toLocaleString("ru")} ${form}`;
}

/** @type {import("./words.js").Words} */
export default {
  title: "Уведомления",
  label: (count) => (count ? `Уведомления: ${plural(count, "новое", "новых", "новых")}` : "Уведомления"),
  close: "Закрыть",
  readAll: "Прочитать все",
  tabs: "Какие уведомления",
  tab: { all: "Все", unread: "Непрочитанные", archived: "Архив" },
  fresh: (count) => plural(count, "новое", "новых", "новых"),
  announced: (title) => `Новое уведомление: ${title}`,
  announcedMany: (count) => plural(count, "новое уведомление", "новых уведомления", "новых уведомлений"),

  read: "Отметить прочитанным",
  unread: "Отметить непрочитанным",
  archive: "В архив",
  unarchive: "Вернуть из архива",
  snooze: "Отложить",
  unreadMark: "Не прочитано",
  untitled: "Уведомление",
  more: (count) => `ещё ${plural(count, "похожее", "похожих", "похожих")}`,
  unfold: "Показать все",
  fold: "Показать одно",
  dismiss: "Скрыть",
  levels: { info: "Сведения", success: "Успех", warning: "Предупреждение", error: "Ошибка" },
  priorities: { urgent: "Срочно", high: "Важно", low: "Не к спеху" },

  justNow: "только что",
  later: { hour: "Через час", evening: "Сегодня вечером", tomorrow: "Завтра утром", week: "На следующей неделе" },
  snoozedUntil: (when) => `Отложено до ${when}`,

  done: { readAll: "Всё прочитано.", archive: "В архиве.", snooze: "Отложено.", undo: "Отменено." },
  undo: "Отменить",
  notDone: "Сервер этого не получил. Попробуйте ещё раз.",

  loading: "Загрузка…",
  emptyTitle: "Всё прочитано",
  emptyText: "Новые уведомления появятся здесь сами.",
  noUnread: "Непрочитанных нет",
  noArchived: "В архиве пусто",
  failedTitle: "Уведомления не загрузились",
  again: "Попробовать ещё раз",
  offline: "Нет сети. Всё, что придёт, сохранится для вас.",
  signedOut: "Вход не выполнен.",
};
