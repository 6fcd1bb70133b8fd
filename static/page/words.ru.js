/** Все слова страницы по-русски. */

const rules = new Intl.PluralRules("ru");

/** @param {number} count @param {string} one @param {string} few @param {string} many */
function plural(count, one, few, many) {
  const form = { one, few }[/** @type {string} */ (rules.select(count))] ?? many;
  return `${count.toLocaleString("ru")} ${form}`;
}

/** @type {typeof import("./words.js").default} */
export default {
  locale: "ru",

  loading: "Загрузка…",
  unreachableTitle: "Сервер недоступен",
  tryingIn: (seconds) => `Следующая попытка через ${seconds} с.`,
  tryingNow: "Пробуем ещё раз…",
  tryNow: "Сейчас",

  outsideTitle: "Вход не выполнен",
  outside: "Сюда попадают из вашего приложения: откройте эту страницу оттуда.",
  outsideAgain: "Доступ закончился. Откройте эту страницу из приложения ещё раз.",

  signInTitle: "Вход в Notifier",
  username: "Имя пользователя",
  password: "Пароль",
  signIn: "Войти",
  signOut: "Выйти",
  signOutHere: "На этом устройстве",
  signOutHereHint: "На других устройствах вход сохранится.",
  signOutEverywhere: "На всех устройствах",
  signOutEverywhereHint: "Перестанут действовать и все токены учётной записи, в том числе у программ.",
  fieldRequired: "Заполните это поле.",
  wrongCredentials: "Неверное имя пользователя или пароль.",
  tooManySignIns: (seconds) => `Слишком много попыток входа. Попробуйте снова через ${seconds} с.`,
  signInUnavailable: "Сервер занят или недоступен. Попробуйте чуть позже.",
  signedOutElsewhere: "Сеанс завершён. Войдите снова, чтобы продолжить.",
  signOutFailed: "Сервер недоступен, выход не выполнен. Попробуйте ещё раз.",

  connecting: "Подключение…",
  connected: "Подключено",
  reconnectingIn: (seconds) => `Переподключение через ${seconds} с`,
  offlineRetry: (seconds) => `Нет сети, попытка через ${seconds} с`,
  closed: "Отключено",

  notifications: "Уведомления",
  filter: "Фильтр",
  filterLabel: "Показать только уведомления с этим текстом",
  view: "Вид",
  order: "Порядок",
  newestFirst: "Сначала новые",
  newestLast: "Сначала старые",
  feed: "Лента",
  follow: "Прокручивать к новым",
  exactTime: "Точное время",
  protocol: "Протокол",
  alerts: "Оповещения",
  sound: "Звук",
  desktop: "Уведомления на рабочем столе",
  desktopDenied: "Запрещены для этого сайта в настройках браузера.",
  desktopUnavailable: "Браузер разрешает их только на https и localhost.",

  emptyTitle: "Новых уведомлений нет",
  emptyText: "Они появятся здесь сами.",
  emptyWaiting: "Ждём соединения",
  emptyWaitingText: "Всё, что придёт тем временем, сохранится для вас.",
  noMatchTitle: "Ничего не найдено",
  noMatchText: (count) =>
    `Этого текста нет: проверено ${plural(count, "уведомление", "уведомления", "уведомлений")}.`,
  fresh: (count) =>
    plural(count, "новое уведомление", "новых уведомления", "новых уведомлений"),
  announced: (title) => `Новое уведомление: ${title}`,
  untitled: "Уведомление",
  copy: "Копировать JSON",
  copied: "Скопировано",
  copyFailed: "Браузер не разрешает копирование.",
  fold: "Свернуть",
  unfold: "Развернуть",
  hideJson: "Скрыть JSON",
  showJson: "Показать JSON",
  showAll: (count) => `Показать целиком: ${plural(count, "символ", "символа", "символов")}`,
  levels: { info: "Сообщение", success: "Успех", warning: "Предупреждение", error: "Ошибка" },
  justNow: "только что",

  frameIn: "входящий",
  frameOut: "исходящий",
  noFrames: "Здесь появятся кадры обмена с сервером.",
  clear: "Очистить",

  tools: "Инструменты",
  toolsMissing: "Инструменты не загрузились. Обновите страницу.",
  sendTitle: "Отправка",
  sendUser: "Номер пользователя",
  sendPayload: "Содержимое (JSON)",
  sendOptions: "Ключ и срок жизни",
  sendKey: "Ключ (повтор с тем же ключом не создаст второе)",
  sendTtl: "Срок жизни, секунд",
  send: "Отправить",
  sending: "Отправляем…",
  sent: (seq, key) => `Отправлено: номер ${seq} у этого пользователя, ключ ${key}`,
  sendFailed: "Сервер недоступен. Отправить снова безопасно: второго уведомления не будет.",
  sendRefused: (status) => `Сервер отказал (${status}).`,
  wholeNumber: "Нужно целое число.",
  jsonGood: "JSON верен",
  jsonFault: (line, column, what) => `Строка ${line}, столбец ${column}: ${what}`,
  jsonFaults: {
    value: "здесь ожидается значение",
    key: "здесь ожидается имя в двойных кавычках",
    colon: "здесь ожидается двоеточие",
    comma: "здесь ожидается запятая или закрывающая скобка",
    end: "после значения ничего быть не должно",
    string: "строка в кавычках записана неверно",
    null: "null отправить нельзя",
  },

  liveTitle: "Сейчас",
  liveUsers: "на связи",
  liveSockets: "соединений",
  liveSends: "отправок в секунду",
  liveDeliveries: "доставок в секунду",
  livePlot: (sends, deliveries) =>
    `Последние две минуты. Сейчас в секунду: отправок ${sends}, доставок ${deliveries}.`,
  liveAway: "Сейчас данных нет.",
  store: "Хранилище",
  relay: "Ретрансляция",
  rabbitmq: "RabbitMQ",
  states: {
    ok: "в порядке",
    off: "выключено",
    connecting: "подключается",
    connected: "подключено",
    consuming: "принимает",
    blocked: "приостановлено",
    away: "недоступно",
    unknown: "неизвестно",
    local: "внутри процесса",
  },
};
