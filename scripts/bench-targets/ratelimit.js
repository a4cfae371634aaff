// The rate limiter binding, which bare workerd does not bring: it lets everything through. The class's name is how workers-rs knows it.
class Ratelimit {
  async limit() {
    return { success: true };
  }
}

export default () => new Ratelimit();
