// The rate limiter binding, which bare workerd does not bring: it lets everything through.
export default () => ({ limit: async () => ({ success: true }) });
